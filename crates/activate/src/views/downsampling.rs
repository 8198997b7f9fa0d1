//! Loss of detail by downsampling. Sizes are random, so the matrices are made on the device rather than sent there.

use burn::tensor::{Device, Int, Tensor};
use device_math::{constants::lifted, exact_products::matmul};

/// Images downsampled to a height and width and back, antialiased as by [`extractor::resize_antialiased`].
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c, h, w]`
pub(super) fn on_device(images: Tensor<4>, reduced: [usize; 2]) -> Tensor<4> {
    let ([_, _, h, w], device) = (images.dims(), images.device().inner());
    let [rows, columns] = [(h, reduced[0]), (w, reduced[1])].map(|(side, small)| {
        let there_and_back = matmul(triangle(small, side, &device), triangle(side, small, &device));
        there_and_back.reshape([1, 1, side, side])
    });
    let (rows, columns) = (lifted(&rows, &images), lifted(&columns.swap_dims(2, 3), &images));
    matmul(matmul(rows, images), columns)
}

/// Weights of a triangle filter whose support grows with the reduction, `[to, from]`.
fn triangle(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let scale = from as f64 / to as f64;
    let middles = |side: usize| Tensor::<1, Int>::arange(0..side as i64, device).float() + 0.5;
    let distances = middles(from).reshape([1, from]) - middles(to).reshape([to, 1]) * scale;
    let weights = (distances.abs() / scale.max(1.0)).neg().add_scalar(1.0).clamp_min(0.0);
    weights.clone() / weights.sum_dim(1)
}
