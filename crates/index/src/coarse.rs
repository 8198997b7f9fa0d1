//! The coarse quantiser: which of `nlist` cells a vector falls into.

use burn::tensor::Device;
use rayon::prelude::*;

use crate::codebook::Codebook;
use crate::vectors::{Vectors, read_floats};
use crate::{Metric, Result};

/// `nlist` centroids of dimension `d`; a vector belongs to the nearest one under the index's metric.
#[derive(Clone)]
pub(crate) struct Coarse {
    pub metric: Metric,
    pub d: usize,
    pub nlist: usize,
    /// Row-major `[nlist, d]`.
    pub centroids: Vec<f32>,
    codebook: Codebook,
    device: Device,
}

/// A cell to visit for a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probe {
    /// In `0..nlist`.
    pub cell: usize,
    /// The query's score against the cell's centroid (see [`Codebook`]); smaller is nearer.
    pub score: f32,
}

impl Coarse {
    /// `centroids` is row-major `[nlist, d]`, finite.
    pub fn new(metric: Metric, centroids: Vec<f32>, d: usize, device: &Device) -> Self {
        let codebook = Codebook::new(metric, &centroids, d, device);
        Self { metric, d, nlist: centroids.len() / d, centroids, codebook, device: device.clone() }
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Centroid of a cell, `d` floats.
    pub fn centroid(&self, cell: usize) -> &[f32] {
        &self.centroids[cell * self.d..(cell + 1) * self.d]
    }

    /// The cell of every vector: `[n]`, in `0..nlist`.
    pub fn cells(&self, vectors: &Vectors) -> Result<Vec<i64>> {
        Ok(self.codebook.nearest(&vectors.tensor)?.centroids)
    }

    /// Centroids of the given cells, row-major `[cells.len(), d]`.
    pub fn gather(&self, cells: &[i64]) -> Vec<f32> {
        cells.iter().flat_map(|&cell| self.centroid(cell as usize)).copied().collect()
    }

    /// The vectors less the centroids of their cells, `[n, d]`.
    ///
    /// # Errors
    ///
    /// A difference too large for float32.
    pub fn residuals(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vectors> {
        let mut residuals = self.gather(cells);
        for (residual, value) in residuals.iter_mut().zip(&vectors.host) {
            *residual = value - *residual;
        }
        Vectors::from_host("residuals", residuals, self.d, &self.device)
    }

    /// The `nprobe <= nlist` nearest cells of every query, nearest first: `[n, nprobe]`.
    pub fn probes(&self, queries: &Vectors, nprobe: usize) -> Result<Vec<Probe>> {
        if nprobe == 1 {
            let nearest = self.codebook.nearest(&queries.tensor)?;
            let probe = |(cell, score): (i64, f32)| Probe { cell: cell as usize, score };
            return Ok(nearest.centroids.into_iter().zip(nearest.scores).map(probe).collect());
        }
        let mut probes = Vec::with_capacity(queries.n * nprobe);
        for block in self.codebook.blocks(queries.n) {
            let scores = read_floats(self.codebook.scores(queries.tensor.clone().slice([block])))?;
            probes.par_extend(scores.par_chunks_exact(self.nlist).flat_map_iter(|row| best(row, nprobe)));
        }
        Ok(probes)
    }
}

/// The `nprobe` smallest scores of a row, ascending; equal ones by cell.
fn best(scores: &[f32], nprobe: usize) -> Vec<Probe> {
    let order = |a: &Probe, b: &Probe| a.score.total_cmp(&b.score).then(a.cell.cmp(&b.cell));
    let mut probes: Vec<Probe> =
        scores.iter().enumerate().map(|(cell, &score)| Probe { cell, score }).collect();
    if nprobe < probes.len() {
        probes.select_nth_unstable_by(nprobe - 1, order);
        probes.truncate(nprobe);
    }
    probes.sort_unstable_by(order);
    probes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_sorts_and_breaks_ties_by_cell() {
        let probes = best(&[3.0, 1.0, 2.0, 1.0, -1.0], 4);
        let cells: Vec<usize> = probes.iter().map(|probe| probe.cell).collect();
        assert_eq!(cells, [4, 1, 3, 2]);
    }
}
