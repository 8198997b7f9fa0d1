//! Nearest centroids, by the host's kernels on the CPU and by matrix products on any other device.

mod device;

use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use device::DeviceCodebook;
use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    metric::{Metric, squared_norm},
    quantise::{
        assignment::{Nearest, Panels, Parts, nearest_in_panels},
        coarse_scan::{CoarseScan, Probe},
    },
    vectors::Vectors,
};

/// Up to this dimension all scores are computed in float32; above it, 8-bit products discard most centroids
/// first.
const MAX_PANEL_DIMENSION: usize = 128;
/// The same limit for at least [`MANY_CENTROIDS`] centroids, where discarding pays off earlier: at d = 64 it
/// is equally fast for 256 centroids and takes two thirds of the time from 1024 on.
const MANY_CENTROIDS: usize = 1024;
const MAX_PANEL_DIMENSION_OF_MANY: usize = 63;

/// `k` centroids of dimension `d`.
#[derive(Clone)]
pub(crate) struct Codebook {
    metric: Metric,
    d: usize,
    /// Row-major `[k, d]`.
    centroids: Arc<Vec<f32>>,
    scorer: Scorer,
    /// Built on first use.
    scan: OnceLock<CoarseScan>,
    /// Built on first use.
    panels: OnceLock<Panels>,
}

/// Method of finding the nearest centroid.
#[derive(Clone)]
enum Scorer {
    Scan,
    /// Float32 products, for L2 only.
    Panels,
    Device(Box<DeviceCodebook>),
}

impl Codebook {
    /// Creates a codebook of finite `centroids`, row-major `[k, d]`.
    ///
    /// # Errors
    /// No centroid, or a length that is not a multiple of `d`.
    pub fn new(metric: Metric, centroids: Vec<f32>, d: usize, device: &Device) -> Result<Self> {
        if d == 0 || centroids.is_empty() || !centroids.len().is_multiple_of(d) {
            let found = format!("{} values for d = {d}", centroids.len());
            return Err(Error::argument("centroids", "one or more whole rows of d values", found));
        }
        let scorer = if *device != Device::flex() {
            Scorer::Device(Box::new(DeviceCodebook::new(metric, &centroids, d, device)))
        } else if metric == Metric::L2 && d <= max_panel_dimension(centroids.len() / d) {
            Scorer::Panels
        } else {
            Scorer::Scan
        };
        let centroids = Arc::new(centroids);
        Ok(Self { metric, d, centroids, scorer, scan: OnceLock::new(), panels: OnceLock::new() })
    }

    /// Row-major `[k, d]`.
    pub fn centroids(&self) -> &[f32] {
        &self.centroids
    }

    /// Centroids packed for the host's float32 products.
    pub fn panels(&self) -> &Panels {
        self.panels.get_or_init(|| Panels::new(&self.centroids, self.d))
    }

    fn scan(&self) -> &CoarseScan {
        self.scan.get_or_init(|| CoarseScan::new(self.centroids.clone(), self.d, self.metric))
    }

    /// Nearest centroid of each of `vectors` `[n, d]`, and its score.
    pub fn nearest(&self, vectors: &Vectors) -> Result<Nearest> {
        match &self.scorer {
            Scorer::Device(codebook) => codebook.nearest(vectors),
            Scorer::Scan => {
                let (centroids, scores) = self.scan().nearest(&vectors.host);
                Ok(Nearest { centroids, scores })
            }
            Scorer::Panels => {
                let (centroids, mut scores) = nearest_in_panels(self.panels(), whole(vectors));
                let rows = scores.par_iter_mut().zip(vectors.host.par_chunks_exact(vectors.d));
                rows.for_each(|(score, row)| {
                    *score = (f64::from(*score) + squared_norm(row)).max(0.0) as f32
                });
                Ok(Nearest { centroids: centroids.into_iter().map(i64::from).collect(), scores })
            }
        }
    }

    /// Nearest centroid of columns `start..start + d` of each of `vectors`: `[n]`.
    pub fn nearest_to_part(&self, vectors: &Vectors, start: usize) -> Result<Vec<u32>> {
        match &self.scorer {
            Scorer::Panels => Ok(nearest_in_panels(self.panels(), Parts { start, ..whole(vectors) }).0),
            Scorer::Scan | Scorer::Device(_) => {
                let nearest = self.nearest(&vectors.columns(start, self.d))?;
                Ok(nearest.centroids.into_iter().map(|centroid| centroid as u32).collect())
            }
        }
    }

    /// The `count <= k` nearest centroids of each of `queries` `[n, d]`, nearest first: `[n, count]`.
    pub fn probes(&self, queries: &Vectors, count: usize) -> Result<Vec<Probe>> {
        match &self.scorer {
            Scorer::Device(codebook) => codebook.probes(queries, count),
            Scorer::Scan | Scorer::Panels => Ok(self.scan().probes(&queries.host, count)),
        }
    }
}

fn max_panel_dimension(k: usize) -> usize {
    if k < MANY_CENTROIDS { MAX_PANEL_DIMENSION } else { MAX_PANEL_DIMENSION_OF_MANY }
}

fn whole<'a>(vectors: &'a Vectors) -> Parts<'a> {
    Parts { vectors: &vectors.host, stride: vectors.d, start: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::squared_l2, quantise::random_streams::seeded};
    use rand::RngExt;

    /// Covers both sides of every limit between the methods of scoring.
    #[test]
    fn every_method_finds_the_nearest_centroid_of_parts() {
        let mut rng = seeded(3, 0);
        let mut random = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
        for (k, d) in [(20, 128), (20, 129), (1023, 64), (1024, 63), (1024, 64)] {
            let (centroids, stride) = (random(k * d), d + 7);
            let vectors = Vectors::from_host("vectors", random(30 * stride), stride).expect("finite");
            let codebook = Codebook::new(Metric::L2, centroids, d, &Device::flex()).expect("centroids");
            for start in [0, 4, 7] {
                let found = codebook.nearest_to_part(&vectors, start).expect("runs");
                let nearest = codebook.nearest(&vectors.columns(start, d)).expect("runs");
                for (i, (row, &centroid)) in vectors.rows().zip(&found).enumerate() {
                    let part = &row[start..start + d];
                    let distances = codebook.centroids().chunks_exact(d).map(|c| squared_l2(part, c));
                    let distances: Vec<f32> = distances.collect();
                    let least = distances.iter().copied().fold(f32::INFINITY, f32::min);
                    assert!(distances[centroid as usize] <= least + 1e-4, "{k} {d}");
                    assert_eq!(nearest.centroids[i], i64::from(centroid));
                    assert!((nearest.scores[i] - least).abs() < 1e-4, "{k} {d}");
                }
            }
        }
    }

    #[test]
    fn centroids_are_whole_rows() {
        for (values, d) in [(7, 2), (0, 2), (1, 0)] {
            assert!(Codebook::new(Metric::L2, vec![1.0; values], d, &Device::flex()).is_err());
        }
    }
}
