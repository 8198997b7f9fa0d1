//! Changed images.

use burn::tensor::Tensor;

/// Changed image and the size of its change.
#[derive(Debug, Clone)]
pub(super) struct ChangedImage {
    /// `[1, 3, h, w]`, not rounded.
    pub pixels: Tensor<4>,
    /// Mean squared change of each channel, `[1, 3]`.
    pub mean_squares: Tensor<2>,
}

impl ChangedImage {
    /// Changed image with the sums of its squared changes over the pixels of each channel, `[1, 3]`.
    pub fn from_sums(pixels: Tensor<4>, sums: Tensor<2>) -> Self {
        let [_, _, height, width] = pixels.dims();
        Self { pixels, mean_squares: sums / (height * width) as f64 }
    }
}
