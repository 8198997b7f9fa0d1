//! Nearest centroids on the device: one matrix product and one arg-minimum per block of rows.

use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use crate::coarse::Probe;
use crate::metric::squared_norm;
use crate::vectors::{Vectors, read_floats, read_integers, upload};
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
    metric: Metric,
    /// Row-major `[k, d]`.
    centroids: Vec<f32>,
    k: usize,
    device: Device,
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
        Self {
            weights: weights.transpose(),
            bias,
            metric,
            centroids: centroids.to_vec(),
            k,
            device: device.clone(),
        }
    }

    /// Scores of `vectors` `[n, d]` against all centroids: `[n, k]`, smaller is nearer.
    pub fn scores(&self, vectors: Tensor<2>) -> Tensor<2> {
        let products = vectors.matmul(self.weights.clone());
        match &self.bias {
            Some(bias) => products + bias.clone(),
            None => products,
        }
    }

    /// Vectors whose scores together stay below [`BLOCK_FLOATS`].
    pub fn block_rows(&self) -> usize {
        (BLOCK_FLOATS / self.k).max(1)
    }

    /// Nearest centroid of each of `vectors`.
    pub fn nearest(&self, vectors: &Vectors) -> Result<Nearest> {
        let mut nearest =
            Nearest { centroids: Vec::with_capacity(vectors.n), scores: Vec::with_capacity(vectors.n) };
        for block in vectors.blocks(self.block_rows()) {
            let scores = self.scores(block.tensor(&self.device));
            let centroids = scores.clone().argmin(1);
            nearest.scores.extend(read_floats(scores.gather(1, centroids.clone()))?);
            nearest.centroids.extend(read_integers(centroids)?);
        }
        Ok(nearest)
    }

    /// The `count <= k` nearest centroids of every query, nearest first: `[n, count]`.
    pub fn probes(&self, queries: &Vectors, count: usize) -> Result<Vec<Probe>> {
        let mut probes = Vec::with_capacity(queries.n * count);
        for block in queries.blocks(self.block_rows()) {
            let scores = read_floats(self.scores(block.tensor(&self.device)))?;
            let rows = scores.par_chunks_exact(self.k).zip(block.host.par_chunks_exact(block.d));
            probes.par_extend(rows.flat_map_iter(|(scores, query)| self.exact(query, best(scores, count))));
        }
        Ok(probes)
    }

    /// Replaces scores of the matrix product by keys computed directly.
    fn exact(&self, query: &[f32], mut probes: Vec<Probe>) -> Vec<Probe> {
        for probe in &mut probes {
            let centroid = &self.centroids[probe.cell * query.len()..(probe.cell + 1) * query.len()];
            probe.key = self.metric.key(self.metric.distance(query, centroid));
        }
        probes
    }
}

/// The `count` smallest scores of a row, ascending; equal ones by cell.
fn best(scores: &[f32], count: usize) -> Vec<Probe> {
    let order = |a: &Probe, b: &Probe| a.key.total_cmp(&b.key).then(a.cell.cmp(&b.cell));
    let mut probes: Vec<Probe> = scores.iter().enumerate().map(|(cell, &key)| Probe { cell, key }).collect();
    if count < probes.len() {
        probes.select_nth_unstable_by(count - 1, order);
        probes.truncate(count);
    }
    probes.sort_unstable_by(order);
    probes
}

/// `|c|^2` of every row.
fn squared_norms(centroids: &[f32], d: usize) -> Vec<f32> {
    centroids.chunks_exact(d).map(|row| squared_norm(row) as f32).collect()
}
