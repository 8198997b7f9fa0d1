//! Max-pooling, differentiated to its input.

use burn::{
    backend::Dispatch,
    tensor::{DType, Device, Tensor, module::max_pool2d, ops::MaxPoolOptions},
};

use crate::{
    Window,
    layout::{channels_first, channels_last},
    ops::{FrozenBackend, Saved},
};

/// Returns the largest value of every window; padding is ignored. The gradient goes to the first of equal values.
///
/// # Shapes
/// `[n, h, w, c]` -> `[n, h', w', c]`, as of a convolution
///
/// # Panics
/// If an image is smaller than the window, or the padding not smaller.
pub fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    if x.device().inner() == Device::flex() && x.dtype() == DType::F32 {
        return Tensor::from_dispatch(Dispatch::window_max(x.into_dispatch(), window, Saved::default()));
    }
    let Window { size, stride, padding } = window;
    let options = MaxPoolOptions::new([size; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
    channels_last(max_pool2d(channels_first(x), options))
}
