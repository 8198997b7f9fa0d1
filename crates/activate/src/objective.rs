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

/// The terms of the objective for each image of a batch, as columns `[n, 1]`.
pub(crate) struct Terms {
    pub(crate) loss_f: Tensor<2>,
    pub(crate) loss_i: Tensor<2>,
    /// Mean squared change in pixels of [0, 1].
    pub(crate) squared_change: Tensor<2>,
}

impl Objective {
    /// The number to differentiate: summed over images, so that none depends on what else is in its batch.
    pub(crate) fn total(&self, terms: &Terms) -> Tensor<1> {
        (terms.loss_f.clone() * self.lambda_f + terms.loss_i.clone() * self.lambda_i).sum()
    }
}

impl Terms {
    /// Terms of images changed by `changes` and described by `descriptors` `[n, d]`, with targets for `n`.
    pub(crate) fn new(changes: &[Tensor<4>], descriptors: Tensor<2>, aim: &Aim) -> Self {
        let (loss_i, squared_change) = changes.iter().map(squared_changes).unzip();
        let loss_f = match &aim.signs {
            Some(signs) => hinge(descriptors, signs),
            None => {
                let points = beside(&aim.points, &descriptors);
                cosine(descriptors, points).neg()
            }
        };
        Self { loss_f, loss_i: Tensor::cat(loss_i, 0), squared_change: Tensor::cat(squared_change, 0) }
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

/// Mean squared change in normalised space and in pixels, both `[1, 1]`.
fn squared_changes(change: &Tensor<4>) -> (Tensor<2>, Tensor<2>) {
    let [_, _, h, w] = change.dims();
    let planes = change.clone().reshape([3, h * w]);
    let per_channel = (planes.clone() * planes).mean_dim(1).transpose();
    let mean_of = |weights: [f32; 3]| {
        let weights = Tensor::<1>::from_floats(weights, &change.device().inner()).reshape([3, 1]) / 3.0;
        per_channel.clone().matmul(beside(&weights, change))
    };
    (mean_of(IMAGENET_STD.map(|std| 1.0 / (std * std))), mean_of([1.0; 3]))
}
