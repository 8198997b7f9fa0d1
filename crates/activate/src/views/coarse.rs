//! Less of the details by operations of every device: matrices of sizes that come up once would have to be sent.

use burn::tensor::{Device, Int, Tensor};
use extractor::beside;
use unrounded::matmul;

/// Images resized to a height and width and back, antialiased, as [`extractor::resize_antialiased`] does it.
///
/// # Shapes
/// `[n, c, h, w]` -> the same
pub(super) fn on_device(images: Tensor<4>, coarse: [usize; 2]) -> Tensor<4> {
    let ([_, _, h, w], device) = (images.dims(), images.device().inner());
    let [rows, columns] = [(h, coarse[0]), (w, coarse[1])].map(|(side, small)| {
        let there_and_back = matmul(triangle(small, side, &device), triangle(side, small, &device));
        there_and_back.reshape([1, 1, side, side])
    });
    let (rows, columns) = (beside(&rows, &images), beside(&columns.swap_dims(2, 3), &images));
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
