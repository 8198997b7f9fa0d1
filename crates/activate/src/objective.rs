//! What is minimised.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, activation::relu};
use extractor::{IMAGENET_STD, beside, transfer::upload_ints};
use index::{Aim, Index, Metric, Signs};
use unrounded::matmul;

use crate::{Error, Result};

/// Norms below this are taken for it.
const NORM_FLOOR: f64 = 1e-12;
/// Squared distances, or inner products, between which cells are told apart: of unit vectors to centroids of 4,096 cells,
/// those to the nearest ones differ by some 0.02.
const TEMPERATURE: f64 = 0.02;

/// What an image's descriptor is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Come near to what the index stores for it (paper, equation 4): `L_f`, by what the index's codes tell
    ///
    /// - points: `-cosine(descriptor, target)`;
    /// - sides of hyperplanes (`LSH`): the mean over hyperplanes of `max(0, m - margin) / m`, where the margin is the
    ///   distance to the hyperplane, negative on the wrong side, and `m = 1 / sqrt(d)`, the root mean square of the
    ///   distances of a unit vector in `d` dimensions. A bit counts 0 from there on, 1 on the hyperplane, 2 as far on
    ///   the other side: what edits would flip first is what moves.
    Reconstruction,
    /// Lie deep in its cell: the cross-entropy `-log p_c`, `p = softmax(-|x - centroid|^2 / 0.02)` over all cells, with
    /// `x.centroid / 0.02` where the index compares inner products. With several own cells `c`, `p_c` is their sum.
    CellMargin,
    /// The same for edited copies: the mean over random views of the image, other ones at each step. Of an index without
    /// cells, the mean of [`Self::Reconstruction`].
    Robust {
        /// Views at each step: each is a forward and a backward pass of the network.
        views: usize,
    },
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

impl Step {
    /// From the weighted terms: the descriptor's, and the mean squared change of each channel in pixels of [0, 1].
    pub(crate) fn new(
        iteration: usize,
        [lambda_f, lambda_i]: [f64; 2],
        loss_f: f64,
        squared: [f64; 3],
    ) -> Self {
        let normalised = squared.iter().zip(IMAGENET_STD).map(|(s, std)| s / f64::from(std * std));
        let loss_i = normalised.sum::<f64>() / 3.0;
        let psnr = -10.0 * (squared.iter().sum::<f64>() / 3.0).log10();
        Self { iteration, loss: lambda_f * loss_f + lambda_i * loss_i, loss_f, loss_i, psnr }
    }
}

/// What each image of a batch is to reach.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    /// What the index stores.
    Stored(Box<Aim>),
    Cells(Box<Cells>),
}

/// What the rows of a batch's descriptors are to reach: made once for the same images at each step.
pub(crate) enum Rows {
    Stored(Box<Aim>),
    /// With the own cells of each row, `[n, cells]`.
    Cells(Box<(Cells, Tensor<2, Int>)>),
}

/// Descriptors and their goals.
pub(crate) struct Judged {
    /// The descriptor's term, `[n, 1]`.
    pub losses: Tensor<2>,
    /// 1 for those in a cell of their own and 0 for others, `[n, 1]`, where cells are the goal.
    pub inside: Option<Tensor<2>>,
}

impl Goal {
    /// Of rows of images of these numbers in the batch.
    pub(crate) fn rows(&self, places: &[usize]) -> Rows {
        match self {
            Self::Cells(cells) => Rows::Cells(Box::new(((**cells).clone(), cells.own(places)))),
            Self::Stored(aim) => Rows::Stored(Box::new(aim.select(places))),
        }
    }
}

impl Rows {
    /// # Shapes
    /// `[n, d]`
    pub(crate) fn judge(&self, descriptors: Tensor<2>) -> Judged {
        match self {
            Self::Cells(both) => both.0.judge(descriptors, both.1.clone()),
            Self::Stored(aim) => Judged { losses: stored_loss(descriptors, aim), inside: None },
        }
    }
}

/// Cells that images are to stay in.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    /// Centroids in columns, scaled by the temperature: `[d, nlist]`.
    centroids: Tensor<2>,
    /// What is added to a descriptor's product with them, `[1, nlist]`.
    offsets: Tensor<2>,
    /// The cells of each image, as many of each.
    own: Vec<Vec<i64>>,
    /// Cells that a search visits.
    nprobe: usize,
}

impl Cells {
    /// # Errors
    /// An index without cells, or behind transforms that cannot be undone.
    pub(crate) fn new(index: &Index, mut own: Vec<Vec<i64>>, nprobe: usize) -> Result<Self> {
        // A graph may have led to fewer cells of one image than of another: its first one counts for those.
        let most = own.iter().map(Vec::len).max().unwrap_or(0);
        own.iter_mut().for_each(|cells| cells.resize(most, cells.first().copied().unwrap_or(0)));
        let no_cells = || Error::NoCells { factory: index.factory().to_string() };
        let centroids = index.centroids()?.ok_or_else(no_cells)?;
        let squares = (centroids.clone() * centroids.clone()).sum_dim(1).transpose();
        // -|x - c|^2 is 2 x.c - |c|^2, up to what all cells share.
        let (products, squares) = match index.metric() {
            Metric::L2 => (2.0, squares.neg()),
            Metric::InnerProduct => (1.0, squares.zeros_like()),
        };
        let centroids = centroids.transpose() * (products / TEMPERATURE);
        Ok(Self { centroids, offsets: squares / TEMPERATURE, own, nprobe })
    }

    /// Own cells of rows of images of these numbers, `[n, cells]`, on the device.
    fn own(&self, places: &[usize]) -> Tensor<2, Int> {
        let own: Vec<i32> =
            places.iter().flat_map(|&place| self.own[place].iter().map(|&cell| cell as i32)).collect();
        let shape = [places.len(), own.len() / places.len().max(1)];
        upload_ints(own, shape, &self.centroids.device())
    }

    fn judge(&self, descriptors: Tensor<2>, own: Tensor<2, Int>) -> Judged {
        let centroids = beside(&self.centroids, &descriptors);
        let logits = matmul(descriptors.clone(), centroids) + beside(&self.offsets, &descriptors);
        let plain = logits.clone().inner();
        let hidden = self.visited_anyway(plain.clone(), own.clone());
        let nearest_rival = (plain.clone() - hidden.clone()).max_dim(1);
        let inside = plain.gather(1, own.clone()).max_dim(1).greater_equal(nearest_rival).float();
        let rivals = log_sum_exp(logits.clone() - beside(&hidden, &logits));
        let own = log_sum_exp(logits.gather(1, if descriptors.is_autodiff() { own.autodiff() } else { own }));
        let losses = log_sum_exp(Tensor::cat(vec![own.clone(), rivals], 1)) - own;
        Judged { losses, inside: Some(inside) }
    }

    /// What takes the cells that do not compete out of a sum of exponentials: the own ones, and the `nprobe - 1` nearest
    /// others, which a search may visit besides an own one.
    ///
    /// # Shapes
    /// `[n, nlist]`, `[n, own]` -> `[n, nlist]`
    fn visited_anyway(&self, logits: Tensor<2>, own: Tensor<2, Int>) -> Tensor<2> {
        const FAR: f64 = 1e6;
        let far = Tensor::full(own.dims(), FAR, &logits.device());
        let mut hidden = logits.zeros_like().scatter(1, own, far, IndexingUpdateOp::Add);
        for _ in 1..self.nprobe {
            let others = logits.clone() - hidden.clone();
            let nearest = others.clone().max_dim(1);
            hidden = hidden + others.greater_equal(nearest).float() * FAR;
        }
        hidden
    }
}

/// `[n, m]` -> `[n, 1]`
fn log_sum_exp(x: Tensor<2>) -> Tensor<2> {
    let most = x.clone().detach().max_dim(1);
    (x - most.clone()).exp().sum_dim(1).log() + most
}

/// See [`Objective::Reconstruction`]: `[n, d]` and targets for `n` -> `[n, 1]`.
fn stored_loss(descriptors: Tensor<2>, aim: &Aim) -> Tensor<2> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn cells(own: Vec<Vec<i64>>, nprobe: usize) -> Cells {
        let rows: Vec<f32> = (0..5 * 4).map(|i| ((i * 7919 % 13) as f32 - 6.0) / 20.0).collect();
        let centroids = Tensor::<2>::from_data(TensorData::new(rows, [5, 4]), &Device::flex());
        let squares = (centroids.clone() * centroids.clone()).sum_dim(1).transpose();
        let centroids = centroids.transpose() * (2.0 / TEMPERATURE);
        Cells { centroids, offsets: squares / -TEMPERATURE, own, nprobe }
    }

    /// The cross-entropy from its definition, in double precision.
    #[test]
    fn the_loss_of_cells_is_the_softmax_of_distances() {
        let x = [0.1f32, -0.2, 0.05, 0.15];
        let rows: Vec<Vec<f64>> = (0..5)
            .map(|r| (0..4).map(|c| (((r * 4 + c) * 7919 % 13) as f64 - 6.0) / 20.0).collect())
            .collect();
        let distance =
            |row: &Vec<f64>| row.iter().zip(x).map(|(c, x)| (c - f64::from(x)).powi(2)).sum::<f64>();
        let weights: Vec<f64> = rows.iter().map(|row| (-distance(row) / TEMPERATURE).exp()).collect();
        let owns = [vec![2], vec![0, 3], vec![4, 1, 2]];
        for (own, nprobe) in owns.iter().flat_map(|own| (1..=4).map(move |nprobe| (own, nprobe))) {
            let mine: Vec<usize> = own.iter().map(|&cell| cell as usize).collect();
            let mut others: Vec<usize> = (0..5).filter(|cell| !mine.contains(cell)).collect();
            others.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
            let rivals = others.get(nprobe - 1..).unwrap_or_default();
            let sum = |cells: &[usize]| cells.iter().map(|&cell| weights[cell]).sum::<f64>();
            let expected = -(sum(&mine) / (sum(&mine) + sum(rivals))).ln();
            let goal = Goal::Cells(Box::new(cells(vec![vec![0; own.len()], own.clone()], nprobe)));
            let judged = goal.rows(&[1]).judge(Tensor::<2>::from_floats([x], &Device::flex()));
            let found = f64::from(judged.losses.into_scalar::<f32>());
            assert!((found - expected).abs() < 1e-4, "{own:?}, {nprobe} visited: {found} for {expected}");
            let most = |cells: &[usize]| cells.iter().map(|&cell| weights[cell]).fold(0.0, f64::max);
            let is_inside = judged.inside.unwrap().into_scalar::<f32>() == 1.0;
            assert_eq!(is_inside, most(&mine) >= most(rivals), "{own:?}, {nprobe} visited");
        }
    }
}
