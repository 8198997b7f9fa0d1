//! Operations on burn's backends: convolutions, residual blocks and max-pooling, differentiated to images alone.

mod autodiff;
mod cpu;
pub(crate) mod resample;
mod saved;

use std::sync::Arc;

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use crate::{
    cpu::{BlockMasks, CpuBlocks, CpuConv, ReluMask},
    window::Window,
};
pub(crate) use saved::Saved;

/// Convolution, with or without a ReLU after it.
#[derive(Debug, Clone)]
pub struct FusedConv {
    pub conv: Arc<CpuConv>,
    pub relu: bool,
}

/// Operations on images `[n, h, w, c]` whose gradients reach images alone.
#[backend_extension(Flex, Autodiff)]
pub trait FrozenBackend: Backend {
    /// Returns `relu(conv(x) + bias)`.
    fn fused_conv(x: FloatTensor<Self>, conv: FusedConv, mask: Option<Saved<ReluMask>>) -> FloatTensor<Self>;

    /// Returns `relu(conv(x) + bias + residual)`.
    fn fused_conv_add(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: FusedConv,
        mask: Option<Saved<ReluMask>>,
    ) -> FloatTensor<Self>;

    /// Returns the gradient of `x`, `[n, h, w, from]` of height and width `side`, from that of `conv(x)`.
    fn fused_conv_gradient(
        gradient: FloatTensor<Self>,
        conv: Arc<CpuConv>,
        side: [usize; 2],
    ) -> FloatTensor<Self>;

    /// Returns the gradient where the output was above 0, and 0 elsewhere.
    fn relu_gradient(gradient: FloatTensor<Self>, mask: Saved<ReluMask>) -> FloatTensor<Self>;

    /// Returns the output of residual blocks.
    fn residual_blocks(
        x: FloatTensor<Self>,
        blocks: Arc<CpuBlocks>,
        masks: Option<Saved<Vec<BlockMasks>>>,
    ) -> FloatTensor<Self>;

    /// Returns the gradient of `x`, of height and width `side`, from that of [`Self::residual_blocks`].
    fn residual_blocks_gradient(
        gradient: FloatTensor<Self>,
        blocks: Arc<CpuBlocks>,
        masks: Saved<Vec<BlockMasks>>,
        side: [usize; 2],
    ) -> FloatTensor<Self>;

    /// Returns the largest value of every window.
    fn window_max(x: FloatTensor<Self>, window: Window, places: Saved<Vec<u8>>) -> FloatTensor<Self>;

    /// Returns the gradient of `x`, of height and width `side`: that of every window at its first largest value.
    fn window_max_gradient(
        gradient: FloatTensor<Self>,
        window: Window,
        places: Saved<Vec<u8>>,
        side: [usize; 2],
    ) -> FloatTensor<Self>;
}
