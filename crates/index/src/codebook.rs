//! Nearest centroids, by the host's kernels on the CPU and by matrix products on any other device.

mod device;

use burn::tensor::Device;
use device::DeviceCodebook;
use rayon::prelude::*;

use crate::assign::{Parts, nearest_in_panels};
use crate::metric::squared_norm;
use crate::nearest::{CoarseScan, Probe};
use crate::raw::F32Panels;
use crate::vectors::Vectors;
use crate::{Metric, Result};

/// Up to this dimension all scores are computed in float32; beyond, 8-bit products sort out most centroids first.
const MAX_PANEL_DIMENSION: usize = 128;

/// `k` centroids of dimension `d`.
#[derive(Clone)]
pub(crate) struct Codebook {
    centroids: CoarseScan,
    scorer: Scorer,
}

#[derive(Clone)]
enum Scorer {
    Scan,
    /// For L2 alone, with `|c|^2`, `[k]`.
    Panels {
        panels: F32Panels,
        norms: Vec<f32>,
    },
    Device(DeviceCodebook),
}

/// The nearest centroid of every vector.
pub(crate) struct Nearest {
    /// `[n]`, in `0..k`.
    pub centroids: Vec<i64>,
    /// `[n]`: `|x - c|^2`, or `-x.c` with the inner product.
    pub scores: Vec<f32>,
}

impl Codebook {
    /// `centroids` is row-major `[k, d]`, finite.
    ///
    /// # Errors
    ///
    /// No centroid.
    pub fn new(metric: Metric, centroids: Vec<f32>, d: usize, device: &Device) -> Result<Self> {
        let scorer = if *device != Device::flex() {
            Scorer::Device(DeviceCodebook::new(metric, &centroids, d, device))
        } else if metric == Metric::L2 && d <= MAX_PANEL_DIMENSION {
            let norms = centroids.chunks_exact(d).map(|row| squared_norm(row) as f32).collect();
            Scorer::Panels { panels: F32Panels::new(&centroids, d), norms }
        } else {
            Scorer::Scan
        };
        Ok(Self { centroids: CoarseScan::new(centroids, d, metric)?, scorer })
    }

    /// Row-major `[k, d]`.
    pub fn centroids(&self) -> &[f32] {
        self.centroids.centroids()
    }

    /// Nearest centroid of each of `vectors` `[n, d]`.
    pub fn nearest(&self, vectors: &Vectors) -> Result<Nearest> {
        match &self.scorer {
            Scorer::Device(codebook) => codebook.nearest(vectors),
            Scorer::Scan => {
                let (centroids, scores) = self.centroids.nearest(&vectors.host);
                Ok(Nearest { centroids, scores })
            }
            Scorer::Panels { panels, norms } => {
                let (centroids, mut scores) = nearest_in_panels(panels, norms, whole(vectors));
                let rows = scores.par_iter_mut().zip(vectors.host.par_chunks_exact(vectors.d));
                rows.for_each(|(score, row)| {
                    *score = (f64::from(*score) + squared_norm(row)).max(0.0) as f32
                });
                Ok(Nearest { centroids: centroids.into_iter().map(i64::from).collect(), scores })
            }
        }
    }

    /// Number of the nearest centroid of the `d` values from column `start` on of each of `vectors`: `[n]`.
    pub fn nearest_to_part(&self, vectors: &Vectors, start: usize) -> Result<Vec<u32>> {
        match &self.scorer {
            Scorer::Panels { panels, norms } => {
                Ok(nearest_in_panels(panels, norms, Parts { start, ..whole(vectors) }).0)
            }
            Scorer::Scan | Scorer::Device(_) => {
                let nearest = self.nearest(&vectors.columns(start, self.centroids.d()))?;
                Ok(nearest.centroids.into_iter().map(|centroid| centroid as u32).collect())
            }
        }
    }

    /// The `count <= k` nearest centroids of each of `queries` `[n, d]`, nearest first: `[n, count]`.
    pub fn probes(&self, queries: &Vectors, count: usize) -> Result<Vec<Probe>> {
        match &self.scorer {
            Scorer::Device(codebook) => codebook.probes(queries, count),
            Scorer::Scan | Scorer::Panels { .. } => Ok(self.centroids.probes(&queries.host, count)),
        }
    }
}

fn whole<'a>(vectors: &'a Vectors) -> Parts<'a> {
    Parts { vectors: &vectors.host, stride: vectors.d, start: 0 }
}
