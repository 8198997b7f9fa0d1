//! Inverted file, `IVF{nlist}` before any codes. A search visits the lists of the nearest cells.

pub(crate) mod array_lists;
pub(crate) mod block_lists;
pub(crate) mod direct_map;
pub(crate) mod entry_ids;
pub(crate) mod inverted_lists;

use std::collections::HashSet;

use array_lists::ArrayLists;
use block_lists::BlockLists;
use direct_map::DirectMap;
use entry_ids::{EntryIds, next_id};
use inverted_lists::{InvertedLists, Position, ProbedQueries};

use super::store::Store;
use crate::{
    error::{Error, Result},
    factory::Factory,
    metric::Metric,
    quantise::coarse::Coarse,
    search::{Neighbours, RangeNeighbours, distinct, keep_distinct},
    vectors::Vectors,
};

/// Queries whose cells are looked up together: 4 MB of probes at 64 per query.
const QUERY_BLOCK: usize = 4096;

/// `IVF{nlist}` before `Flat`, `PQ{m}x{nbits}` or `SQ8` and its like.
pub(crate) type Ivf = InvertedFile<ArrayLists>;

/// `IVF{nlist},PQ{m}x4fs`.
pub(crate) type IvfFastScan = InvertedFile<BlockLists>;

/// Coarse quantiser and the inverted lists of its cells.
#[derive(Clone)]
pub(crate) struct InvertedFile<L> {
    pub coarse: Coarse,
    /// True if codes encode residuals, vectors minus their cell's centroid.
    pub by_residual: bool,
    pub lists: L,
    pub direct_map: DirectMap,
    /// Number of lists that a search of this file visits unless its caller says otherwise; kept by every change.
    pub nprobe: u64,
}

impl<L: InvertedLists> InvertedFile<L> {
    /// Creates an inverted file over lists of `coarse.nlist` cells.
    pub fn new(coarse: Coarse, by_residual: bool, lists: L) -> Self {
        Self { coarse, by_residual, lists, direct_map: DirectMap::None, nprobe: 1 }
    }

    /// Copy without the entries.
    pub fn emptied(&self) -> Self {
        Self::new(self.coarse.clone(), self.by_residual, self.lists.emptied())
    }

    /// Appends the entries of an index with the same quantisers, adding `shift` to their ids.
    pub fn append(&mut self, other: &Self, shift: i64) {
        self.lists.append(&other.lists, shift);
        self.direct_map.rebuild(self.lists.entries());
    }

    /// Encodes vectors of `cells` `[n]`: `[n, code_size]`.
    pub fn encode(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vec<u8>> {
        if self.by_residual {
            self.lists.encode_in_cells(vectors, &self.coarse, cells)
        } else {
            self.lists.encode(vectors)
        }
    }

    /// Decodes codes `[n, code_size]` of `cells` `[n]`: `[n, d]`.
    fn decode(&self, codes: &[u8], cells: &[i64]) -> Vec<f32> {
        let d = self.coarse.d;
        let mut vectors =
            if self.by_residual { self.coarse.gather(cells) } else { vec![0.0; cells.len() * d] };
        let codes = codes.chunks_exact(self.lists.code_size());
        codes.zip(vectors.chunks_exact_mut(d)).for_each(|(code, row)| self.lists.add_decoded(code, row));
        vectors
    }

    /// Appends vectors, each to its `lists` nearest lists, under ids already checked.
    fn push(&mut self, vectors: &Vectors, id: impl Fn(usize) -> i64, lists: usize) -> Result<()> {
        for (rows, cells) in self.coarse.nearest_cells(vectors, lists)? {
            let codes = match rows.len() == vectors.n {
                true => self.encode(vectors, &cells)?,
                false => self.encode(&vectors.select(&rows), &cells)?,
            };
            let codes = codes.chunks_exact(self.lists.code_size());
            let entries = cells.iter().zip(codes).zip(rows).map(|((&cell, code), row)| {
                let id = id(row);
                (id, self.lists.push(cell as usize, code, id))
            });
            let entries: Vec<(i64, Position)> = entries.collect();
            self.direct_map.extend(&entries);
        }
        Ok(())
    }

    /// Looks up the `nprobe <= nlist` nearest cells of each of `queries`.
    fn probe<'a>(&'a self, queries: &'a Vectors, nprobe: usize) -> Result<ProbedQueries<'a>> {
        let probes = self.coarse.probes(queries, nprobe)?;
        Ok(ProbedQueries { coarse: &self.coarse, by_residual: self.by_residual, queries, probes, nprobe })
    }
}

impl<L: InvertedLists> Store for InvertedFile<L> {
    fn d(&self) -> usize {
        self.coarse.d
    }

    fn ntotal(&self) -> usize {
        self.lists.ntotal()
    }

    fn metric(&self) -> Metric {
        self.coarse.metric
    }

    fn factory(&self) -> Factory {
        let codes = self.lists.codes(self.by_residual);
        let coarse = Some(self.coarse.kind());
        Factory { transforms: Vec::new(), coarse, hnsw: None, codes, refine: None, ids: None }
    }

    fn coarse(&self) -> Option<&Coarse> {
        Some(&self.coarse)
    }

    fn is_lossless(&self) -> bool {
        self.lists.is_lossless()
    }

    fn next_id(&self) -> i64 {
        next_id(self.lists.ids().flat_map(EntryIds::iter), self.ntotal())
    }

    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()> {
        self.push(vectors, |row| first + row as i64, 1)
    }

    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        self.direct_map.check_new_ids(ids)?;
        self.push(vectors, |row| ids[row], self.coarse.stored(lists)?)
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        let removed = self.lists.remove(ids);
        if removed > 0 {
            self.direct_map.rebuild(self.lists.entries());
        }
        Ok(removed)
    }

    fn stray_id(&self) -> Option<i64> {
        let mut free = vec![true; self.ntotal()];
        let mut takes = |id: i64| {
            let place = usize::try_from(id).ok().and_then(|id| free.get_mut(id));
            place.is_some_and(|free| std::mem::replace(free, false))
        };
        self.lists.ids().flat_map(EntryIds::iter).find(|&id| !takes(id))
    }

    fn close_gaps(&mut self, removed: &[i64]) {
        let lowered = |id: i64| id - removed.partition_point(|&gone| gone < id) as i64;
        self.lists.ids_mut().for_each(|ids| *ids = ids.iter().map(lowered).collect());
        self.direct_map.rebuild(self.lists.entries());
    }

    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        let (metric, nprobe) = (self.coarse.metric, self.coarse.visited(nprobe)?);
        let mut found = Neighbours::missing(queries.n, k, metric)?;
        let ntotal = self.ntotal();
        for (block, first) in queries.blocks(QUERY_BLOCK).zip((0..).step_by(QUERY_BLOCK)) {
            let nearest =
                |queries: &Vectors, k: usize| Ok(self.lists.nearest(&self.probe(queries, nprobe)?, k));
            found.fill(first, metric, &distinct(&block, k.min(ntotal), ntotal, nearest)?);
        }
        Ok(found)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        let nprobe = self.coarse.visited(nprobe)?;
        let mut found = Vec::with_capacity(queries.n);
        for block in queries.blocks(QUERY_BLOCK) {
            found.extend(self.lists.within(&self.probe(&block, nprobe)?, radius));
        }
        found.iter_mut().for_each(keep_distinct);
        Ok(RangeNeighbours::new(self.coarse.metric, found))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let position = self.lists.find(id).ok_or(Error::UnknownId(id))?;
        Ok(self.decode(&self.lists.code(position), &[position.cell as i64]))
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        if self.is_lossless() {
            return Ok(vectors.host.to_vec());
        }
        let cells = self.coarse.cells(vectors)?;
        Ok(self.decode(&self.encode(vectors, &cells)?, &cells))
    }
}
