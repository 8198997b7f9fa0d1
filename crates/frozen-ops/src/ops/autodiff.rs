//! The operations under autodiff.

use std::sync::Arc;

use burn::{
    backend::{
        TensorMetadata,
        autodiff::{
            Autodiff,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        tensor::FloatTensor,
    },
    tensor::Shape,
};

use super::{FrozenBackend, FusedConv, Saved};
use crate::{
    cpu::{BlockMasks, CpuBlocks, CpuConv, ReluMask},
    window::Window,
};

/// Gradient of [`FrozenBackend::fused_conv`].
#[derive(Debug)]
struct ConvBackward;

impl<B: FrozenBackend> Backward<B, 1> for ConvBackward {
    type State = (FusedConv, Saved<ReluMask>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (conv, mask, side) = ops.state;
        if let Some(x) = x {
            let gradient = if conv.relu { B::relu_gradient(gradient, mask) } else { gradient };
            grads.register::<B>(x.id, B::fused_conv_gradient(gradient, conv.conv, side));
        }
    }
}

/// Gradient of [`FrozenBackend::fused_conv_add`].
#[derive(Debug)]
struct ConvAddBackward;

impl<B: FrozenBackend> Backward<B, 2> for ConvAddBackward {
    type State = (FusedConv, Saved<ReluMask>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x, residual], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (conv, mask, side) = ops.state;
        let gradient = if conv.relu { B::relu_gradient(gradient, mask) } else { gradient };
        if let Some(residual) = residual {
            grads.register::<B>(residual.id, gradient.clone());
        }
        if let Some(x) = x {
            grads.register::<B>(x.id, B::fused_conv_gradient(gradient, conv.conv, side));
        }
    }
}

/// Gradient of [`FrozenBackend::residual_blocks`].
#[derive(Debug)]
struct BlocksBackward;

impl<B: FrozenBackend> Backward<B, 1> for BlocksBackward {
    type State = (Arc<CpuBlocks>, Saved<Vec<BlockMasks>>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (blocks, masks, side) = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::residual_blocks_gradient(gradient, blocks, masks, side));
        }
    }
}

/// Gradient of [`FrozenBackend::window_max`].
#[derive(Debug)]
struct WindowMaxBackward;

impl<B: FrozenBackend> Backward<B, 1> for WindowMaxBackward {
    type State = (Window, Saved<Vec<u8>>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (window, places, side) = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::window_max_gradient(gradient, window, places, side));
        }
    }
}

impl<B: FrozenBackend, C: CheckpointStrategy> FrozenBackend for Autodiff<B, C> {
    fn fused_conv(
        x: FloatTensor<Self>,
        conv: FusedConv,
        _mask: Option<Saved<ReluMask>>,
    ) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        match ConvBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let mask = Saved::default();
                let output = B::fused_conv(x.into_primitive(), conv.clone(), Some(mask.clone()));
                prepared.finish((conv, mask, side), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::fused_conv(x.into_primitive(), conv, None)),
        }
    }

    fn fused_conv_add(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: FusedConv,
        _mask: Option<Saved<ReluMask>>,
    ) -> FloatTensor<Self> {
        let (nodes, side) = ([x.node(), residual.node()], side_of(x.shape()));
        let (x, residual) = (x.into_primitive(), residual.into_primitive());
        match ConvAddBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let mask = Saved::default();
                let output = B::fused_conv_add(x, residual, conv.clone(), Some(mask.clone()));
                prepared.finish((conv, mask, side), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::fused_conv_add(x, residual, conv, None)),
        }
    }

    fn fused_conv_gradient(
        _gradient: FloatTensor<Self>,
        _conv: Arc<CpuConv>,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }

    fn relu_gradient(_gradient: FloatTensor<Self>, _mask: Saved<ReluMask>) -> FloatTensor<Self> {
        no_second_order()
    }

    fn residual_blocks(
        x: FloatTensor<Self>,
        blocks: Arc<CpuBlocks>,
        _masks: Option<Saved<Vec<BlockMasks>>>,
    ) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        match BlocksBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let masks = Saved::default();
                let output = B::residual_blocks(x.into_primitive(), blocks.clone(), Some(masks.clone()));
                prepared.finish((blocks, masks, side), output)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::residual_blocks(x.into_primitive(), blocks, None))
            }
        }
    }

    fn residual_blocks_gradient(
        _gradient: FloatTensor<Self>,
        _blocks: Arc<CpuBlocks>,
        _masks: Saved<Vec<BlockMasks>>,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }

    fn window_max(x: FloatTensor<Self>, window: Window, places: Saved<Vec<u8>>) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        let largest = B::window_max(x.into_primitive(), window, places.clone());
        match WindowMaxBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((window, places, side), largest),
            OpsKind::UnTracked(prepared) => prepared.finish(largest),
        }
    }

    fn window_max_gradient(
        _gradient: FloatTensor<Self>,
        _window: Window,
        _places: Saved<Vec<u8>>,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }
}

/// Stands for gradients of gradients, which burn's autodiff never computes.
///
/// # Panics
/// Always.
fn no_second_order() -> ! {
    panic!("gradients of gradients are not computed")
}

/// Height and width of images.
fn side_of(shape: Shape) -> [usize; 2] {
    [shape[1], shape[2]]
}
