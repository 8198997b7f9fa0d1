//! `IDMap` and `IDMap2`: another index, whose positions carry ids of the caller's choice.

use std::collections::HashSet;

use super::ivf::{
    direct_map::check_not_negative,
    entry_ids::{EntryIds, next_id},
};
use crate::{
    error::{Error, Result},
    factory::{Factory, IdMap},
    kinds::store::{AsStore, Store},
    metric::Metric,
    quantise::{coarse::Coarse, hyperplanes::Sides},
    search::{Candidate, Neighbours, RangeNeighbours, distinct, keep_distinct},
    vectors::Vectors,
};

/// An index and the id of each of its positions.
///
/// The inner index is added to and removed from by position; if it stores ids itself, as an inverted file does,
/// those are the positions.
#[derive(Clone)]
pub(crate) struct Mapped<K> {
    pub inner: K,
    /// Ids by position, `[ntotal]`.
    pub ids: EntryIds,
    /// True for `IDMap2`, which in faiss also maps ids back to positions. Here both do.
    pub two_way: bool,
}

impl<K> Mapped<K> {
    /// Id at a position of the inner index; `None` for numbers that are not positions, as in hostile files.
    pub fn id(&self, position: i64) -> Option<i64> {
        let position = usize::try_from(position).ok().filter(|&position| position < self.ids.len())?;
        Some(self.ids.get(position))
    }

    /// Candidates of one query under the caller's ids.
    fn mapped(&self, metric: Metric, distances: &[f32], positions: &[i64]) -> Vec<Candidate> {
        let known = distances.iter().zip(positions);
        let candidate = |(&distance, &position): (&f32, &i64)| {
            Some(Candidate { key: metric.key(distance), id: self.id(position)? })
        };
        known.filter_map(candidate).collect()
    }
}

impl<K: AsStore> Store for Mapped<K> {
    fn d(&self) -> usize {
        self.inner.store().d()
    }

    fn ntotal(&self) -> usize {
        self.ids.len()
    }

    fn metric(&self) -> Metric {
        self.inner.store().metric()
    }

    fn factory(&self) -> Factory {
        Factory { ids: Some(IdMap { two_way: self.two_way, behind: 0 }), ..self.inner.store().factory() }
    }

    fn coarse(&self) -> Option<&Coarse> {
        self.inner.store().coarse()
    }

    fn is_lossless(&self) -> bool {
        self.inner.store().is_lossless()
    }

    fn next_id(&self) -> i64 {
        next_id(self.ids.iter(), self.ids.len())
    }

    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()> {
        let position = self.inner.store().next_id();
        self.inner.store_mut().add(vectors, position)?;
        self.ids.extend(first..first + vectors.n as i64);
        Ok(())
    }

    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        if lists != 1 {
            let (factory, operation) = (self.factory().to_string(), "entries in several lists");
            return Err(Error::Unsupported { factory, operation });
        }
        check_not_negative(ids)?;
        let position = self.inner.store().next_id();
        self.inner.store_mut().add(vectors, position)?;
        self.ids.extend(ids.iter().copied());
        Ok(())
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        let positions = self.ids.iter().zip(0..).filter(|(id, _)| ids.contains(id));
        let positions: Vec<i64> = positions.map(|(_, position)| position).collect();
        if positions.is_empty() {
            return Ok(0);
        }
        self.inner.store_mut().remove(&positions.iter().copied().collect())?;
        self.inner.store_mut().close_gaps(&positions);
        self.ids = self.ids.iter().filter(|id| !ids.contains(id)).collect();
        Ok(positions.len())
    }

    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        let metric = self.metric();
        let mut found = Neighbours::missing(queries.n, k, metric)?;
        let ntotal = self.ntotal().max(1);
        let nearest = |queries: &Vectors, k: usize| {
            let inner = self.inner.store().search(queries.borrowed(), k, nprobe)?;
            let rows = inner.distances.chunks_exact(k).zip(inner.ids.chunks_exact(k));
            Ok(rows.map(|(distances, positions)| self.mapped(metric, distances, positions)).collect())
        };
        found.fill(0, metric, &distinct(&queries, k.min(ntotal), ntotal, nearest)?);
        Ok(found)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        let metric = self.metric();
        let inner = self.inner.store().range_search(queries, radius, nprobe)?;
        let mapped = |limits: &[usize]| {
            let range = limits[0]..limits[1];
            let mut row = self.mapped(metric, &inner.distances[range.clone()], &inner.ids[range]);
            keep_distinct(&mut row);
            row
        };
        Ok(RangeNeighbours::new(metric, inner.limits.windows(2).map(mapped).collect()))
    }

    /// Decodes the vector stored last under `id`, as faiss's `IDMap2` does.
    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let position = self.ids.iter().rposition(|stored| stored == id).ok_or(Error::UnknownId(id))?;
        self.inner.store().reconstruct(position as i64)
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        self.inner.store().round_trip(vectors)
    }

    fn sides(&self, vectors: &Vectors) -> Result<Option<Sides>> {
        self.inner.store().sides(vectors)
    }

    fn apply_transforms<'a>(&self, vectors: Vectors<'a>) -> Result<Vectors<'a>> {
        self.inner.store().apply_transforms(vectors)
    }

    fn undo_transforms(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        self.inner.store().undo_transforms(rows)
    }

    fn close_gaps(&mut self, _removed: &[i64]) {
        unreachable!("the reader and the factory refuse a map within a map")
    }
}
