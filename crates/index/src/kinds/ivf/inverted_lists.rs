//! Inverted lists: codes and ids of the vectors of each cell, in either layout.

use std::{borrow::Cow, collections::HashSet};

use super::entry_ids::EntryIds;
use crate::{
    error::Result,
    factory::Codes,
    quantise::{coarse::Coarse, coarse_scan::Probe},
    search::Candidate,
    vectors::Vectors,
};

/// Position of an entry in the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub cell: usize,
    pub offset: usize,
}

impl Position {
    /// Cell and offset in one number, as faiss packs them: `cell << 32 | offset`.
    pub fn packed(self) -> i64 {
        (self.cell as i64) << 32 | self.offset as i64
    }

    /// Inverse of [`Self::packed`].
    pub fn unpacked(packed: i64) -> Self {
        Self { cell: (packed as u64 >> 32) as usize, offset: (packed & 0xffff_ffff) as usize }
    }
}

/// Queries and the cells that each visits.
pub(crate) struct ProbedQueries<'a> {
    pub coarse: &'a Coarse,
    /// True if codes encode residuals, vectors minus their cell's centroid.
    pub by_residual: bool,
    /// Queries, `[n, d]`.
    pub queries: &'a Vectors<'a>,
    /// The `nprobe` nearest cells of each query, nearest first: `[n, nprobe]`.
    pub probes: Vec<Probe>,
    pub nprobe: usize,
}

/// Codec of an inverted file and its `nlist` lists of codes of equal size.
pub(crate) trait InvertedLists: Clone + Send + Sync {
    /// Codes in the terms of a factory string.
    fn codes(&self, by_residual: bool) -> Codes;

    /// Returns true if codes are the vectors themselves.
    fn is_lossless(&self) -> bool;

    /// Bytes of one code, at least 1.
    fn code_size(&self) -> usize;

    /// Encodes vectors `[n, d]`, or their residuals: `[n, code_size]`.
    fn encode(&self, vectors: &Vectors) -> Result<Vec<u8>>;

    /// Codes of the residuals of vectors from the centroids of their `cells` `[n]`: `[n, code_size]` bytes.
    fn encode_in_cells(&self, vectors: &Vectors, coarse: &Coarse, cells: &[i64]) -> Result<Vec<u8>> {
        self.encode(&coarse.residuals(vectors, cells)?)
    }

    /// Adds the vector that a code encodes to `out`, `d` floats.
    fn add_decoded(&self, code: &[u8], out: &mut [f32]);

    /// Copy without the entries.
    fn emptied(&self) -> Self;

    /// Ids of the entries of each cell, `[nlist]`.
    fn ids(&self) -> impl ExactSizeIterator<Item = &EntryIds>;

    /// Mutable access to the ids of the entries of each cell, `[nlist]`.
    fn ids_mut(&mut self) -> impl Iterator<Item = &mut EntryIds>;

    /// Code of an existing entry.
    fn code(&self, position: Position) -> Cow<'_, [u8]>;

    /// Appends an entry to the list of a cell and returns its position.
    fn push(&mut self, cell: usize, code: &[u8], id: i64) -> Position;

    /// Appends the entries of lists with the same codec, adding `shift` to their ids.
    fn append(&mut self, other: &Self, shift: i64);

    /// Removes the entries whose id is in `ids` and returns their number.
    fn remove(&mut self, ids: &HashSet<i64>) -> usize;

    /// The `k` nearest entries of each query in its cells, nearest first.
    fn nearest(&self, queries: &ProbedQueries, k: usize) -> Vec<Vec<Candidate>>;

    /// All entries of each query's cells that are nearer than `radius`, a distance; nearest first.
    fn within(&self, queries: &ProbedQueries, radius: f32) -> Vec<Vec<Candidate>>;

    /// Number of entries in all lists.
    fn ntotal(&self) -> usize {
        self.ids().map(EntryIds::len).sum()
    }

    /// Ids and positions of all entries, cell by cell.
    fn entries(&self) -> impl Iterator<Item = (i64, Position)> {
        self.ids().enumerate().flat_map(|(cell, ids)| {
            ids.iter().enumerate().map(move |(offset, id)| (id, Position { cell, offset }))
        })
    }

    /// Position of the first entry with the id, in order of cells.
    fn find(&self, id: i64) -> Option<Position> {
        self.ids().enumerate().find_map(|(cell, ids)| {
            let offset = ids.iter().position(|stored| stored == id)?;
            Some(Position { cell, offset })
        })
    }
}
