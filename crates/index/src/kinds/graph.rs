//! `HNSW{links}` before `Flat`, `SQ8` and its like or `PQ{m}x{nbits}`: a search walks a graph of the entries
//! instead of comparing all of them.

use std::{borrow::Cow, collections::HashSet};

use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    factory::Factory,
    kinds::{exhaustive::Exhaustive, store::Store},
    metric::Metric,
    quantise::{
        codec::Scanner,
        hnsw::{Hnsw, Points},
    },
    search::{Candidate, Neighbours, RangeNeighbours},
    vectors::Vectors,
};

/// A graph whose vertices are the entries of its storage.
#[derive(Clone)]
pub(crate) struct Graph {
    /// As many vertices as the storage has entries.
    pub hnsw: Hnsw,
    pub storage: Exhaustive,
}

impl Graph {
    /// Copy without the entries.
    pub fn emptied(&self) -> Self {
        let (hnsw, storage) = (self.hnsw.emptied(), &self.storage);
        Self { hnsw, storage: Exhaustive { codes: Default::default(), ..storage.clone() } }
    }

    /// Appends codes `[n, code_size]` and links them.
    ///
    /// # Errors
    /// Fields of a file that allow no further vertices; the index is unchanged.
    pub fn append(&mut self, codes: &[u8]) -> Result<()> {
        self.hnsw.check_growth()?;
        let seed = self.storage.ntotal() as u64;
        self.storage.codes.to_mut().extend_from_slice(codes);
        // The file keeps no seed.
        self.hnsw.grow(&self.storage, seed)
    }

    /// Candidates of every query, nearest first, from vertices and sort keys.
    fn gather(
        &self,
        queries: &Vectors,
        search: impl Fn(&[f32]) -> Vec<(usize, f32)> + Sync,
    ) -> Vec<Vec<Candidate>> {
        let candidate = |(vertex, key)| Candidate { key, id: vertex as i64 };
        let of_query = |query: &[f32]| {
            let mut found: Vec<Candidate> = search(query).into_iter().map(candidate).collect();
            found.sort_unstable();
            found
        };
        queries.host.par_chunks_exact(queries.d).map(of_query).collect()
    }
}

impl Points for Exhaustive {
    fn metric(&self) -> Metric {
        self.metric
    }

    fn len(&self) -> usize {
        self.ntotal()
    }

    fn point(&self, vertex: usize) -> Cow<'_, [f32]> {
        Cow::Owned(self.codec.decode(self.code(vertex)))
    }

    fn keys_to<'a>(&'a self, query: &'a [f32]) -> impl Fn(usize) -> f32 + 'a {
        let mut scanner = Scanner::new(&self.codec, self.metric);
        scanner.set_query(query);
        move |vertex| {
            let mut key = [0.0];
            scanner.keys(self.code(vertex), &mut key);
            key[0]
        }
    }
}

impl Store for Graph {
    fn d(&self) -> usize {
        self.storage.d()
    }

    fn ntotal(&self) -> usize {
        self.storage.ntotal()
    }

    fn metric(&self) -> Metric {
        self.storage.metric
    }

    fn factory(&self) -> Factory {
        Factory { hnsw: Some(self.hnsw.links()), ..self.storage.factory() }
    }

    fn is_lossless(&self) -> bool {
        self.storage.is_lossless()
    }

    fn add(&mut self, vectors: &Vectors, _first: i64) -> Result<()> {
        self.append(&self.storage.codec.encode(vectors)?)
    }

    fn search(&self, queries: Vectors, k: usize, _nprobe: usize) -> Result<Neighbours> {
        let mut found = Neighbours::missing(queries.n, k, self.metric())?;
        let search = |query: &[f32]| self.hnsw.nearest(&self.storage, query, k);
        found.fill(0, self.metric(), &self.gather(&queries, search));
        Ok(found)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, _nprobe: usize) -> Result<RangeNeighbours> {
        let radius = self.metric().key(radius);
        let search = |query: &[f32]| self.hnsw.within(&self.storage, query, radius);
        Ok(RangeNeighbours::new(self.metric(), self.gather(queries, search)))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        self.storage.reconstruct(id)
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        self.storage.round_trip(vectors)
    }

    /// Refused as in faiss: searches lead through every entry.
    fn remove(&mut self, _ids: &HashSet<i64>) -> Result<usize> {
        Err(Error::Unsupported { factory: self.factory().to_string(), operation: "removing entries" })
    }
}
