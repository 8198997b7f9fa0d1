//! Nearest centroids on a device by one matrix product and one arg-minimum per block of rows.

use burn::tensor::{Device, Tensor};
use device_math::{
    exact_products::matmul,
    transfer::{download, download_ints, upload_matrix},
};
use rayon::prelude::*;

use crate::{
    error::Result,
    metric::{Metric, squared_norm},
    quantise::{assignment::Nearest, coarse_scan::Probe},
    vectors::Vectors,
};

/// Floats of the largest score matrix: 32 MiB.
const BLOCK_FLOATS: usize = 8 << 20;

/// `k` centroids of dimension `d` on the device.
///
/// The device computes scores: distances up to a term that depends only on the vector. Smaller is nearer:
/// `|c|^2 - 2 x.c` for L2, which is `|x - c|^2 - |x|^2`, and `-x.c` for the inner product.
#[derive(Clone)]
pub(super) struct DeviceCodebook {
    /// `-2 c` or `-c`, `[d, k]`.
    weights: Tensor<2>,
    /// `|c|^2`, `[1, k]`, for L2 only.
    bias: Option<Tensor<2>>,
    metric: Metric,
    /// Row-major `[k, d]`.
    centroids: Vec<f32>,
    k: usize,
    device: Device,
}

impl DeviceCodebook {
    /// Uploads `centroids`, row-major `[k, d]`.
    pub fn new(metric: Metric, centroids: &[f32], d: usize, device: &Device) -> Self {
        let k = centroids.len() / d;
        let norms = || centroids.chunks_exact(d).map(|row| squared_norm(row) as f32).collect();
        let (factor, bias) = match metric {
            Metric::L2 => (-2.0, Some(upload_matrix(norms(), k, device))),
            Metric::InnerProduct => (-1.0, None),
        };
        let weights =
            upload_matrix(centroids.iter().map(|value| factor * value).collect(), d, device).transpose();
        Self { weights, bias, metric, centroids: centroids.to_vec(), k, device: device.clone() }
    }

    pub fn nearest(&self, vectors: &Vectors) -> Result<Nearest> {
        let mut nearest =
            Nearest { centroids: Vec::with_capacity(vectors.n), scores: Vec::with_capacity(vectors.n) };
        for block in vectors.blocks(self.block_rows()) {
            let centroids = download_ints(self.scores(&block).argmin(1))?;
            let rows = block.host.par_chunks_exact(block.d).zip(&centroids);
            nearest.scores.par_extend(rows.map(|(row, &centroid)| self.exact(row, centroid as usize)));
            nearest.centroids.extend(centroids);
        }
        Ok(nearest)
    }

    pub fn probes(&self, queries: &Vectors, count: usize) -> Result<Vec<Probe>> {
        let mut probes = Vec::with_capacity(queries.n * count);
        for block in queries.blocks(self.block_rows()) {
            let scores = download(self.scores(&block))?;
            let rows = scores.par_chunks_exact(self.k).zip(block.host.par_chunks_exact(block.d));
            probes.par_extend(rows.flat_map_iter(|(scores, query)| {
                let cells = best(scores, count).into_iter();
                cells.map(|probe| Probe { score: self.exact(query, probe.cell), ..probe })
            }));
        }
        Ok(probes)
    }

    fn scores(&self, vectors: &Vectors) -> Tensor<2> {
        let products = matmul(vectors.tensor(&self.device), self.weights.clone());
        match &self.bias {
            Some(bias) => products + bias.clone(),
            None => products,
        }
    }

    /// Score computed on the host, free of the matrix product's rounding and including the vector's own term.
    fn exact(&self, vector: &[f32], centroid: usize) -> f32 {
        let d = vector.len();
        self.metric.key(self.metric.distance(vector, &self.centroids[centroid * d..(centroid + 1) * d]))
    }

    /// Number of vectors whose scores fit in [`BLOCK_FLOATS`].
    fn block_rows(&self) -> usize {
        (BLOCK_FLOATS / self.k).max(1)
    }
}

/// The `count` smallest scores of a row, ascending; ties ordered by cell.
fn best(scores: &[f32], count: usize) -> Vec<Probe> {
    let mut probes: Vec<Probe> =
        scores.iter().enumerate().map(|(cell, &score)| Probe { cell, score }).collect();
    if count < probes.len() {
        probes.select_nth_unstable(count - 1);
        probes.truncate(count);
    }
    probes.sort_unstable();
    probes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::codebook::Codebook;
    use rand::RngExt;

    #[test]
    fn best_sorts_and_breaks_ties_by_cell() {
        let probes = best(&[3.0, 1.0, 2.0, 1.0, -1.0], 4);
        let cells: Vec<usize> = probes.iter().map(|probe| probe.cell).collect();
        assert_eq!(cells, [4, 1, 3, 2]);
    }

    /// Random vectors have no near ties, so both methods must return the same centroids.
    #[test]
    fn the_device_agrees_with_the_host() {
        let mut rng = crate::quantise::random_streams::seeded(5, 0);
        let mut random = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
        for (d, metric) in [(8, Metric::L2), (200, Metric::L2), (8, Metric::InnerProduct)] {
            let centroids = random(40 * d);
            let device = DeviceCodebook::new(metric, &centroids, d, &Device::flex());
            let host = Codebook::new(metric, centroids, d, &Device::flex()).expect("centroids");
            let vectors = Vectors::from_host("vectors", random(50 * d), d).expect("finite");
            let (a, b) = (device.nearest(&vectors).expect("runs"), host.nearest(&vectors).expect("runs"));
            assert_eq!(a.centroids, b.centroids, "{metric}, d {d}");
            assert!(a.scores.iter().zip(&b.scores).all(|(a, b)| (a - b).abs() < 1e-4), "{metric}, d {d}");
            let (a, b) = (device.probes(&vectors, 7).expect("runs"), host.probes(&vectors, 7).expect("runs"));
            assert!(a.iter().zip(&b).all(|(a, b)| a.cell == b.cell && (a.score - b.score).abs() < 1e-4));
        }
    }
}
