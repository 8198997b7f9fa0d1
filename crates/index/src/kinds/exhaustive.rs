//! Codes without an inverted file (`Flat`, `PQ{m}`, `SQ8` and its like): a search compares every code, and ids are
//! positions.

use std::collections::HashSet;

use rayon::prelude::*;

use super::positional_ids;
use crate::{
    error::{Error, Result},
    factory::Factory,
    kinds::store::Store,
    metric::Metric,
    quantise::codec::{Codec, Scanner},
    search::{Candidate, Gather, Neighbours, RangeNeighbours, ScanBuffers, TopK, Within, scan},
    stored_bytes::Bytes,
    vectors::Vectors,
};

/// A codec and its codes by position.
#[derive(Clone)]
pub(crate) struct Exhaustive {
    pub metric: Metric,
    pub codec: Codec,
    /// `[ntotal, code_size]`.
    pub codes: Bytes,
    pub polysemous: PolysemousFields,
}

/// Settings of faiss's polysemous search in a `PQ{m}` index; unused, kept for writing the file back.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct PolysemousFields {
    pub search_type: i32,
    pub encode_signs: bool,
    pub threshold: i32,
}

impl Exhaustive {
    pub fn new(metric: Metric, codec: Codec) -> Self {
        Self { metric, codec, codes: Bytes::default(), polysemous: PolysemousFields::default() }
    }

    /// Code at `position < ntotal`.
    pub fn code(&self, position: usize) -> &[u8] {
        let size = self.codec.code_size();
        &self.codes[position * size..(position + 1) * size]
    }

    /// Distances of a query, `d` floats, to the entries at the given positions.
    pub fn distances(&self, query: &[f32], positions: impl Iterator<Item = usize>) -> Vec<f32> {
        let mut scanner = Scanner::new(&self.codec, self.metric);
        scanner.set_query(query);
        let mut key = [0.0];
        positions
            .map(|position| {
                scanner.keys(self.code(position), &mut key);
                self.metric.distance_of(key[0])
            })
            .collect()
    }

    /// Candidates of every query, nearest first. If there are fewer queries than threads, the codes are split
    /// as well.
    fn gather<G: Gather + Send>(&self, queries: &Vectors, new: impl Fn() -> G + Sync) -> Vec<Vec<Candidate>> {
        let size = self.codec.code_size();
        let pieces = rayon::current_num_threads().div_ceil(queries.n.max(1));
        let piece = self.ntotal().div_ceil(pieces).max(1);
        let scan_piece = |query: &[f32], number: usize, codes: &[u8]| {
            let mut scanner = Scanner::new(&self.codec, self.metric);
            scanner.set_query(query);
            let mut found = new();
            let mut buffers = ScanBuffers::default();
            scan(&scanner, &mut buffers, codes, size, |entry| (number * piece + entry) as i64, &mut found);
            found.into_found()
        };
        let search = |query: &[f32]| {
            let pieces = self.codes.par_chunks(piece * size).enumerate();
            let found: Vec<_> = pieces.map(|(number, codes)| scan_piece(query, number, codes)).collect();
            let mut all = new();
            found.into_iter().flatten().for_each(|candidate| all.push(candidate));
            all.into_found()
        };
        queries.host.par_chunks_exact(queries.d).map(search).collect()
    }
}

impl Store for Exhaustive {
    fn d(&self) -> usize {
        self.codec.d()
    }

    fn ntotal(&self) -> usize {
        self.codes.len() / self.codec.code_size()
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn factory(&self) -> Factory {
        let codes = self.codec.codes();
        Factory { transforms: Vec::new(), coarse: None, hnsw: None, codes, refine: None, ids: None }
    }

    fn is_lossless(&self) -> bool {
        self.codec.is_lossless()
    }

    fn add(&mut self, vectors: &Vectors, _first: i64) -> Result<()> {
        let codes = self.codec.encode(vectors)?;
        self.codes.to_mut().extend_from_slice(&codes);
        Ok(())
    }

    fn search(&self, queries: Vectors, k: usize, _nprobe: usize) -> Result<Neighbours> {
        let mut found = Neighbours::missing(queries.n, k, self.metric)?;
        let keep = k.min(self.ntotal());
        let candidates = self.gather(&queries, || TopK::new(keep));
        found.fill(0, self.metric, &candidates);
        Ok(found)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, _nprobe: usize) -> Result<RangeNeighbours> {
        let radius = self.metric.key(radius);
        Ok(RangeNeighbours::new(self.metric, self.gather(queries, || Within::new(radius))))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let position = usize::try_from(id).ok().filter(|&position| position < self.ntotal());
        position.map(|position| self.codec.decode(self.code(position))).ok_or(Error::UnknownId(id))
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        if self.is_lossless() {
            return Ok(vectors.host.to_vec());
        }
        Ok(self.codec.decode(&self.codec.encode(vectors)?))
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        Ok(positional_ids::remove(&mut self.codes, self.codec.code_size(), ids))
    }
}
