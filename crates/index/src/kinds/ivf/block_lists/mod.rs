//! Fast-scan product quantisation (Quick ADC: André et al., ICMR 2017, PAMI 2021), faiss's
//! `IVF{nlist},PQ{m}x4fs` and, with codes of residuals, `IVF{nlist},PQ{m}x4fsr`.
//!
//! Codewords have 4 bits, codes are packed in blocks of 32, and a query's look-up tables are quantised to 8
//! bits, so that a table row fits a vector register and one shuffle looks up 16 codes. Sums have 16 bits.
//!
//! # Distances
//!
//! Distances equal faiss's. The tables of a query share one scale `a`: 255 over the widest span of a row
//! (maximum minus minimum), or 65535 over the widest span of the whole sums if that is smaller. An entry is
//! `(value - row minimum) * a`, rounded; row minima and coarse distance go into a 16-bit bias per cell,
//! relative to the least of them, `b`. The distance is `b + sum / a`. Among equal sums faiss keeps the
//! vectors met first, in ascending order of cells, except that up to k = 20 its heap first drops the largest
//! id; this crate always uses the order. For missing neighbours faiss reports, up to k = 20, the distance of
//! the sum 65535 (L2) or 0 (inner product).
//!
//! # File
//!
//! Fields after the inverted-file header, with fourcc `IwPf`:
//!
//! | field | type | value |
//! |---|---|---|
//! | `by_residual` | u8 | 0 for `fs`, 1 for `fsr` |
//! | `code_size` | u64 | `m.div_ceil(2)` |
//! | `bbs` | i32 | 32, vectors in a block |
//! | `M2` | u64 | `m` rounded up to even |
//! | `implem` | i32 | 0, a search variant |
//! | `qbs2` | u64 | 0, a search variant |
//! | product quantiser | | `d`, `m`, `nbits` = 4 (u64 each) |
//! | codewords | u64 count, f32s | `[m, 16, dsub]` |
//! | inverted lists | fourcc | `ilbl` |
//! | `nlist` | u64 | |
//! | `code_size` | u64 | `u64::MAX`: codes are interleaved |
//! | `n_per_block` | u64 | 32 |
//! | `block_size` | u64 | `16 * M2` bytes |
//! | each list: ids | u64 count, i64s | |
//! | each list: codes | u64 count, u8s | `count = ids.div_ceil(32) * block_size`, see [`crate::kernels::packing`] |
//!
//! The tables of [`Scanner`] that depend only on the centroids are not in the file.

mod block_list;
mod lut;
mod probed_cells;
mod reservoir;
mod scanner;
mod tables;

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{Arc, OnceLock},
};

pub(crate) use block_list::BlockList;
use rayon::prelude::*;
use scanner::{Scan, Scanner, Scratch};
use simd::Level;
use tables::ScannerConfig;

use super::{
    entry_ids::EntryIds,
    inverted_lists::{InvertedLists, Position, ProbedQueries},
};
use crate::{
    error::Result,
    factory::Codes,
    lazy::get_or_make,
    quantise::{coarse_scan::Probe, fast_scan_pq::FastScanPq},
    search::Candidate,
    vectors::Vectors,
};

/// Product quantiser and lists of packed 4-bit codes.
#[derive(Clone)]
pub(crate) struct BlockLists {
    pub pq: FastScanPq,
    /// Lists, `[nlist]`.
    pub lists: Vec<BlockList>,
    pub variant: SearchVariant,
    /// Built by the first search.
    scanner: OnceLock<Arc<Scanner>>,
}

/// Search variant that faiss uses; only written back to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SearchVariant {
    /// 0 lets faiss choose.
    pub implem: i32,
    /// Batch size of the variant; 0 lets faiss choose.
    pub qbs2: u64,
}

impl BlockLists {
    /// Creates `nlist` empty lists.
    pub fn new(pq: FastScanPq, nlist: usize) -> Self {
        Self::with_lists(pq, vec![BlockList::default(); nlist], SearchVariant::default())
    }

    /// Takes lists `[nlist]` of the quantiser's codes.
    pub fn with_lists(pq: FastScanPq, lists: Vec<BlockList>, variant: SearchVariant) -> Self {
        Self { pq, lists, variant, scanner: OnceLock::new() }
    }

    fn scanner(&self, queries: &ProbedQueries) -> &Arc<Scanner> {
        get_or_make(&self.scanner, || {
            let ProbedQueries { coarse, by_residual, .. } = *queries;
            let config = ScannerConfig { metric: coarse.metric, by_residual, centroids: coarse.centroids() };
            Arc::new(Scanner::new(self.pq.clone(), config))
        })
    }

    /// At most `k` candidates of each query in its cells, within `radius` if given; nearest first.
    fn gather(&self, queries: &ProbedQueries, k: usize, radius: Option<f32>) -> Vec<Vec<Candidate>> {
        let scanner = self.scanner(queries);
        let ProbedQueries { queries: vectors, probes, nprobe, .. } = queries;
        let rows = vectors.host.par_chunks_exact(vectors.d).zip(probes.par_chunks_exact(*nprobe));
        let search = |scratch: &mut Scratch, (query, probes): (&[f32], &[Probe])| {
            let mut found = Vec::new();
            scanner.search(Scan { query, probes, lists: &self.lists, k, radius }, scratch, &mut found);
            found
        };
        if vectors.n == 1 {
            // Waking a thread costs as much as a typical search of one query.
            return vec![search(&mut Scratch::default(), (&vectors.host, probes))];
        }
        rows.map_init(Scratch::default, search).collect()
    }
}

impl InvertedLists for BlockLists {
    fn codes(&self, by_residual: bool) -> Codes {
        Codes::FastScan { m: self.pq.m, by_residual }
    }

    fn is_lossless(&self) -> bool {
        false
    }

    fn code_size(&self) -> usize {
        self.pq.code_size()
    }

    fn encode(&self, vectors: &Vectors) -> Result<Vec<u8>> {
        Ok(self.pq.encode(&vectors.host, Level::detected()))
    }

    fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        self.pq.add_decoded(code, out);
    }

    fn emptied(&self) -> Self {
        Self::new(self.pq.clone(), self.lists.len())
    }

    fn ids(&self) -> impl ExactSizeIterator<Item = &EntryIds> {
        self.lists.iter().map(|list| &list.ids)
    }

    fn ids_mut(&mut self) -> impl Iterator<Item = &mut EntryIds> {
        self.lists.iter_mut().map(|list| &mut list.ids)
    }

    fn code(&self, position: Position) -> Cow<'_, [u8]> {
        Cow::Owned(self.lists[position.cell].unpack(position.offset, self.code_size()))
    }

    fn push(&mut self, cell: usize, code: &[u8], id: i64) -> Position {
        Position { cell, offset: self.lists[cell].push(code, id) }
    }

    fn append(&mut self, other: &Self, shift: i64) {
        let size = self.code_size();
        for (to, from) in self.lists.iter_mut().zip(&other.lists) {
            for (offset, id) in from.ids.iter().enumerate() {
                to.push(&from.unpack(offset, size), id.saturating_add(shift));
            }
        }
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> usize {
        let code_size = self.code_size();
        self.lists.par_iter_mut().map(|list| list.remove(code_size, ids)).sum()
    }

    fn nearest(&self, queries: &ProbedQueries, k: usize) -> Vec<Vec<Candidate>> {
        self.gather(queries, k, None)
    }

    fn within(&self, queries: &ProbedQueries, radius: f32) -> Vec<Vec<Candidate>> {
        self.gather(queries, self.ntotal(), Some(radius))
    }
}
