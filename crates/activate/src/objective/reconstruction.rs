//! Loss towards what the index stores (paper, equation 4).

use burn::tensor::{Tensor, activation::relu};
use device_math::constants::lifted;
use index::{Signs, Targets};

/// Smallest norm that a cosine divides by.
const NORM_FLOOR: f64 = 1e-12;

/// Loss of [`super::Objective::Reconstruction`].
///
/// # Shapes
/// `[n, d]`, targets of `n` rows -> `[n, 1]`
pub(super) fn reconstruction_loss(descriptors: Tensor<2>, targets: &Targets) -> Tensor<2> {
    match &targets.signs {
        Some(signs) => hinge(descriptors, signs),
        None => {
            let points = lifted(&targets.points, &descriptors);
            cosine(descriptors, points).neg()
        }
    }
}

/// Cosine of each row of `a` with the same row of `b`.
///
/// # Shapes
/// `[n, d]`, `[n, d]` -> `[n, 1]`
pub(crate) fn cosine(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let norm = |x: Tensor<2>| (x.clone() * x).sum_dim(1).sqrt().clamp_min(NORM_FLOOR);
    (a.clone() * b.clone()).sum_dim(1) / (norm(a) * norm(b))
}

/// Mean over hyperplanes of `max(0, m - margin) / m`, `m = 1 / sqrt(d)`.
///
/// # Shapes
/// `[n, d]` -> `[n, 1]`
fn hinge(descriptors: Tensor<2>, signs: &Signs) -> Tensor<2> {
    let [_, d] = descriptors.dims();
    let short = signs.margins(descriptors) * -(d as f64).sqrt() + 1.0;
    relu(short).mean_dim(1)
}
