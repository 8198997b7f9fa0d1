use burn::tensor::{Tensor, activation::relu};
use extractor::{IMAGENET_STD, beside};
use index::{Aim, Signs};

/// Norms below this are taken for it.
const NORM_FLOOR: f64 = 1e-12;

/// What is minimised (paper, equation 4): `lambda_f L_f + lambda_i L_i` with `L_i` the mean squared change in the
/// extractor's normalised space, and `L_f` by what the index's codes tell:
///
/// - points: `-cosine(descriptor, target)`;
/// - sides of hyperplanes (`LSH`): the mean over hyperplanes of `max(0, m - margin) / m`, where the margin is the
///   distance to the hyperplane, negative on the wrong side, and `m = 1 / sqrt(d)`, the root mean square of the
///   distances of a unit vector in `d` dimensions. A bit counts 0 from there on, 1 on the hyperplane, 2 as far on
///   the other side: what edits would flip first is what moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Weight of the descriptor's term.
    pub lambda_f: f64,
    /// Weight of the image's term.
    pub lambda_i: f64,
}

impl Default for Objective {
    /// The paper's: 1 and 0.01.
    fn default() -> Self {
        Self { lambda_f: 1.0, lambda_i: 0.01 }
    }
}

/// The objective of one image before one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Number of steps taken before.
    pub iteration: usize,
    /// The whole objective.
    pub loss: f64,
    /// The descriptor's term, see [`Objective`].
    pub loss_f: f64,
    /// Mean squared change in normalised space.
    pub loss_i: f64,
    /// Peak signal-to-noise ratio of the changed image, not yet rounded or clamped, in dB.
    pub psnr: f64,
}

impl Objective {
    /// The objective of one image from its terms: `loss_f`, and the mean squared change of each channel in pixels of
    /// [0, 1].
    pub(crate) fn step(&self, iteration: usize, loss_f: f64, squared: [f64; 3]) -> Step {
        let normalised = squared.iter().zip(IMAGENET_STD).map(|(s, std)| s / f64::from(std * std));
        let loss_i = normalised.sum::<f64>() / 3.0;
        let loss = self.lambda_f * loss_f + self.lambda_i * loss_i;
        let psnr = -10.0 * (squared.iter().sum::<f64>() / 3.0).log10();
        Step { iteration, loss, loss_f, loss_i, psnr }
    }
}

/// The descriptor's term of each image of a batch, see [`Objective`].
///
/// # Shapes
/// `[n, d]` and targets for `n` -> `[n, 1]`
pub(crate) fn loss_f(descriptors: Tensor<2>, aim: &Aim) -> Tensor<2> {
    match &aim.signs {
        Some(signs) => hinge(descriptors, signs),
        None => {
            let points = beside(&aim.points, &descriptors);
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

/// Mean over hyperplanes of `max(0, m - margin) / m`, `m = 1 / sqrt(d)`: see [`Objective`].
///
/// # Shapes
/// `[n, d]` -> `[n, 1]`
fn hinge(descriptors: Tensor<2>, signs: &Signs) -> Tensor<2> {
    let [_, d] = descriptors.dims();
    let short = signs.margins(descriptors) * -(d as f64).sqrt() + 1.0;
    relu(short).mean_dim(1)
}
