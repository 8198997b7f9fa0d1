//! `RFlat`: candidates of another index, ranked again by the exact vectors.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    factory::Factory,
    kinds::{
        exhaustive::Exhaustive,
        store::{AsStore, Store},
    },
    metric::Metric,
    quantise::{coarse::Coarse, hyperplanes::Sides},
    search::{Candidate, Neighbours, RangeNeighbours, write_row},
    vectors::Vectors,
};

/// An index and the exact vectors by position.
#[derive(Clone)]
pub(crate) struct Refined<K> {
    pub base: K,
    /// `Flat` index; ids of the base are positions in it.
    pub vectors: Exhaustive,
    /// The base is searched for `k * k_factor` neighbours.
    pub k_factor: f32,
}

impl<K> Refined<K> {
    /// Ranks the neighbours of one query, `d` floats, by their exact vectors, nearest first. Ids from a
    /// hostile file that are not positions count as missing.
    fn rank(&self, query: &[f32], ids: &[i64]) -> Vec<Candidate> {
        let known = |id: &&i64| (0..self.vectors.ntotal() as i64).contains(id);
        let ids: Vec<i64> = ids.iter().filter(known).copied().collect();
        let distances = self.vectors.distances(query, ids.iter().map(|&id| id as usize));
        let key = |distance| self.vectors.metric.key(distance);
        let candidates =
            ids.into_iter().zip(distances).map(|(id, distance)| Candidate { key: key(distance), id });
        let mut candidates: Vec<Candidate> = candidates.collect();
        candidates.sort_unstable();
        candidates
    }
}

impl<K: AsStore + Sync> Store for Refined<K> {
    fn d(&self) -> usize {
        self.vectors.d()
    }

    fn ntotal(&self) -> usize {
        self.vectors.ntotal()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric
    }

    fn factory(&self) -> Factory {
        Factory { refine: Some(self.vectors.codec.codes()), ..self.base.store().factory() }
    }

    fn coarse(&self) -> Option<&Coarse> {
        self.base.store().coarse()
    }

    fn is_lossless(&self) -> bool {
        self.base.store().is_lossless()
    }

    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()> {
        self.base.store_mut().add(vectors, first)?;
        self.vectors.add(vectors, first)
    }

    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        let mut found = Neighbours::missing(queries.n, k, self.metric())?;
        let k_base = ((k as f64 * f64::from(self.k_factor)) as usize).clamp(k, self.ntotal().max(k));
        let base = self.base.store().search(queries.borrowed(), k_base, nprobe)?;
        let queries = queries.host.par_chunks_exact(queries.d).zip(base.ids.par_chunks_exact(k_base));
        let rows = found.distances.par_chunks_mut(k).zip(found.ids.par_chunks_mut(k));
        queries.zip(rows).for_each(|((query, near), (distances, ids))| {
            write_row(self.metric(), &self.rank(query, near), distances, ids);
        });
        Ok(found)
    }

    /// Searches the base within `radius * k_factor`, as faiss does.
    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        let base = self.base.store().range_search(queries, radius * self.k_factor, nprobe)?;
        let limit = self.metric().key(radius);
        let of_query = |(query, limits): (&[f32], &[usize])| {
            let mut candidates = self.rank(query, &base.ids[limits[0]..limits[1]]);
            candidates.retain(|candidate| candidate.key < limit);
            candidates
        };
        let found = queries.rows().zip(base.limits.windows(2)).map(of_query).collect();
        Ok(RangeNeighbours::new(self.metric(), found))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        self.vectors.reconstruct(id)
    }

    /// Round trip of the base, whose codes determine the candidates.
    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        self.base.store().round_trip(vectors)
    }

    fn sides(&self, vectors: &Vectors) -> Result<Option<Sides>> {
        self.base.store().sides(vectors)
    }

    fn apply_transforms<'a>(&self, vectors: Vectors<'a>) -> Result<Vectors<'a>> {
        self.base.store().apply_transforms(vectors)
    }

    fn undo_transforms(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        self.base.store().undo_transforms(rows)
    }

    /// Refused if the base stores ids: after a removal they would no longer be positions.
    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        if self.base.store().coarse().is_some() {
            let factory = self.factory().to_string();
            return Err(Error::Unsupported {
                factory,
                operation: "removing entries: its ids must stay positions",
            });
        }
        self.base.store_mut().remove(ids)?;
        self.vectors.remove(ids)
    }

    fn stray_id(&self) -> Option<i64> {
        self.base.store().stray_id()
    }
}
