//! The coarse quantiser: which of `nlist` cells a vector falls into.

use burn::tensor::Device;

use crate::codebook::Codebook;
use crate::nearest::Probe;
use crate::vectors::Vectors;
use crate::{CoarseKind, Metric, Result};

/// `nlist` centroids of dimension `d`; a vector belongs to the nearest one under the index's metric.
#[derive(Clone)]
pub(crate) struct Coarse {
    pub metric: Metric,
    pub d: usize,
    pub nlist: usize,
    codebook: Codebook,
}

impl Coarse {
    /// `centroids` is row-major `[nlist, d]`, finite.
    ///
    /// # Errors
    ///
    /// No centroid.
    pub fn new(metric: Metric, centroids: Vec<f32>, d: usize, device: &Device) -> Result<Self> {
        let nlist = centroids.len() / d;
        Ok(Self { metric, d, nlist, codebook: Codebook::new(metric, centroids, d, device)? })
    }

    /// Row-major `[nlist, d]`.
    pub fn centroids(&self) -> &[f32] {
        self.codebook.centroids()
    }

    pub fn kind(&self) -> CoarseKind {
        CoarseKind { nlist: self.nlist, hnsw: None }
    }

    /// Centroid of a cell, `d` floats.
    pub fn centroid(&self, cell: usize) -> &[f32] {
        &self.centroids()[cell * self.d..(cell + 1) * self.d]
    }

    /// The cell of every vector: `[n]`, in `0..nlist`.
    pub fn cells(&self, vectors: &Vectors) -> Result<Vec<i64>> {
        Ok(self.codebook.nearest(vectors)?.centroids)
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
    pub fn residuals(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vectors<'static>> {
        let mut residuals = self.gather(cells);
        for (residual, value) in residuals.iter_mut().zip(vectors.host.iter()) {
            *residual = value - *residual;
        }
        Vectors::from_host("residuals", residuals, self.d)
    }

    /// The `nprobe <= nlist` nearest cells of every query, nearest first: `[n, nprobe]`.
    pub fn probes(&self, queries: &Vectors, nprobe: usize) -> Result<Vec<Probe>> {
        self.codebook.probes(queries, nprobe)
    }
}
