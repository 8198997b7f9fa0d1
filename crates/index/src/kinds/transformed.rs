//! Index of transformed vectors: `OPQ`, `PCA`, `RR` and `L2norm` before any other kind.

use std::collections::HashSet;

use burn::tensor::Device;

use crate::{
    error::Result,
    factory::{Factory, IdMap},
    kinds::store::{AsStore, Store},
    metric::Metric,
    quantise::{coarse::Coarse, hyperplanes::Sides, transform::Transform},
    search::{Neighbours, RangeNeighbours},
    vectors::Vectors,
};

/// Transforms, applied in order, and the index of their output.
#[derive(Clone)]
pub(crate) struct Transformed<K> {
    /// Input dimension.
    pub d: usize,
    pub chain: Vec<Transform>,
    pub inner: K,
    pub device: Device,
}

impl<K> Transformed<K> {
    fn apply(&self, vectors: &Vectors) -> Result<Vectors<'static>> {
        apply(&self.chain, vectors, &self.device)
    }

    /// Maps rows of the inner index's dimension back to `[n, d]`.
    fn reverse(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        self.chain.iter().rev().try_fold(rows, |rows, transform| transform.reverse(&rows, &self.device))
    }
}

/// Applies all transforms to vectors.
///
/// # Errors
/// A result too large for float32.
pub(crate) fn apply(chain: &[Transform], vectors: &Vectors, device: &Device) -> Result<Vectors<'static>> {
    let mut rows = vectors.host.to_vec();
    for transform in chain {
        rows = transform.apply(&rows, device)?;
    }
    let d = chain.last().map_or(vectors.d, Transform::d_out);
    Vectors::from_host("transformed vectors", rows, d)
}

impl<K: AsStore> Store for Transformed<K> {
    fn d(&self) -> usize {
        self.d
    }

    fn ntotal(&self) -> usize {
        self.inner.store().ntotal()
    }

    fn metric(&self) -> Metric {
        self.inner.store().metric()
    }

    fn factory(&self) -> Factory {
        let inner = self.inner.store().factory();
        let ids = inner.ids.map(|ids| IdMap { behind: ids.behind + self.chain.len(), ..ids });
        let mut transforms: Vec<_> = self.chain.iter().map(|transform| transform.kind(inner.codes)).collect();
        transforms.extend(inner.transforms);
        Factory { transforms, ids, ..inner }
    }

    fn coarse(&self) -> Option<&Coarse> {
        self.inner.store().coarse()
    }

    /// Returns true if codes and transforms preserve the vectors.
    fn is_lossless(&self) -> bool {
        self.inner.store().is_lossless() && self.chain.iter().all(Transform::is_lossless)
    }

    fn next_id(&self) -> i64 {
        self.inner.store().next_id()
    }

    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()> {
        let vectors = self.apply(vectors)?;
        self.inner.store_mut().add(&vectors, first)
    }

    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        let vectors = self.apply(vectors)?;
        self.inner.store_mut().add_with_ids(&vectors, ids, lists)
    }

    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        let transformed = self.apply(&queries)?;
        drop(queries);
        self.inner.store().search(transformed, k, nprobe)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        self.inner.store().range_search(&self.apply(queries)?, radius, nprobe)
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        self.reverse(self.inner.store().reconstruct(id)?)
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        self.reverse(self.inner.store().round_trip(&self.apply(vectors)?)?)
    }

    fn sides(&self, vectors: &Vectors) -> Result<Option<Sides>> {
        let Some(Sides { planes, wanted }) = self.inner.store().sides(&self.apply(vectors)?)? else {
            return Ok(None);
        };
        let planes = self.chain.iter().rev().try_fold(Some(planes), |planes, transform| {
            planes.map_or(Ok(None), |planes| planes.before(transform, &self.device))
        })?;
        Ok(planes.map(|planes| Sides { planes, wanted }))
    }

    fn apply_transforms<'a>(&self, vectors: Vectors<'a>) -> Result<Vectors<'a>> {
        self.inner.store().apply_transforms(self.apply(&vectors)?)
    }

    fn undo_transforms(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        self.reverse(self.inner.store().undo_transforms(rows)?)
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        self.inner.store_mut().remove(ids)
    }

    fn stray_id(&self) -> Option<i64> {
        self.inner.store().stray_id()
    }

    fn close_gaps(&mut self, removed: &[i64]) {
        self.inner.store_mut().close_gaps(removed);
    }
}
