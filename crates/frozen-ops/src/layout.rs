//! Order of the dimensions of images.

use burn::tensor::Tensor;

/// Permutes `[n, h, w, c]` to `[n, c, h, w]`.
pub(crate) fn channels_first(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 3, 1, 2])
}

/// Permutes `[n, c, h, w]` to `[n, h, w, c]`.
pub(crate) fn channels_last(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 2, 3, 1])
}
