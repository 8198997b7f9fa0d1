//! Nearest centroids on the device: one matrix product and one arg-minimum per block of rows.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use crate::metric::squared_norm;
use crate::vectors::{read_floats, read_integers, upload};
use crate::{Metric, Result};

/// Floats of the largest score matrix computed at once: 32 MiB.
const BLOCK_FLOATS: usize = 8 << 20;

/// `k` centroids of dimension `d`, prepared for scoring vectors on the device.
///
/// A score is the distance up to a term that depends on the vector alone; smaller is nearer:
/// `|c|^2 - 2 x.c` for L2, which is `|x - c|^2 - |x|^2`, and `-x.c` for the inner product.
#[derive(Clone)]
pub(crate) struct Codebook {
    /// `-2 c` or `-c`, `[d, k]`.
    weights: Tensor<2>,
    /// `|c|^2`, `[1, k]`, for L2 alone.
    bias: Option<Tensor<2>>,
    k: usize,
}

/// The nearest centroid of every vector.
pub(crate) struct Nearest {
    /// `[n]`, in `0..k`.
    pub centroids: Vec<i64>,
    /// `[n]`, their scores.
    pub scores: Vec<f32>,
}

impl Codebook {
    /// `centroids` is row-major `[k, d]`.
    pub fn new(metric: Metric, centroids: &[f32], d: usize, device: &Device) -> Self {
        let k = centroids.len() / d;
        let (factor, bias) = match metric {
            Metric::L2 => (-2.0, Some(upload(squared_norms(centroids, d), k, device))),
            Metric::InnerProduct => (-1.0, None),
        };
        let weights = upload(centroids.iter().map(|value| factor * value).collect(), d, device);
        Self { weights: weights.transpose(), bias, k }
    }

    /// Scores of `vectors` `[n, d]` against all centroids: `[n, k]`, smaller is nearer.
    pub fn scores(&self, vectors: Tensor<2>) -> Tensor<2> {
        let products = vectors.matmul(self.weights.clone());
        match &self.bias {
            Some(bias) => products + bias.clone(),
            None => products,
        }
    }

    /// Row ranges that together cover `n` vectors and whose scores stay below [`BLOCK_FLOATS`].
    pub fn blocks(&self, n: usize) -> impl Iterator<Item = Range<usize>> {
        let rows = (BLOCK_FLOATS / self.k).max(1);
        (0..n).step_by(rows).map(move |start| start..(start + rows).min(n))
    }

    /// Nearest centroid of each of `vectors` `[n, d]`.
    pub fn nearest(&self, vectors: &Tensor<2>) -> Result<Nearest> {
        let [n, _] = vectors.dims();
        let mut nearest = Nearest { centroids: Vec::with_capacity(n), scores: Vec::with_capacity(n) };
        for block in self.blocks(n) {
            let scores = self.scores(vectors.clone().slice([block]));
            let centroids = scores.clone().argmin(1);
            nearest.scores.extend(read_floats(scores.gather(1, centroids.clone()))?);
            nearest.centroids.extend(read_integers(centroids)?);
        }
        Ok(nearest)
    }
}

/// `|c|^2` of every row.
fn squared_norms(centroids: &[f32], d: usize) -> Vec<f32> {
    centroids.chunks_exact(d).map(|row| squared_norm(row) as f32).collect()
}
