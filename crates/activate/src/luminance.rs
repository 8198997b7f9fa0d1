//! Luminance of RGB images.

use burn::tensor::Tensor;
use device_math::{constants::lifted, transfer::upload};

/// Weights of R, G and B in the luminance (ITU-R BT.601).
pub(crate) const WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

/// Luminance of images; differentiable.
///
/// # Shapes
/// `[n, 3, h, w]` in [0, 1] -> `[n, 1, h, w]` in [0, 1]
pub(crate) fn luminance(images: &Tensor<4>) -> Tensor<4> {
    let weights = upload(WEIGHTS.to_vec(), [1, 3, 1, 1], &images.device().inner());
    (images.clone() * lifted(&weights, images)).sum_dim(1)
}
