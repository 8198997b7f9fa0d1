//! Inverted lists of contiguous codes, faiss's `ArrayInvertedLists`.

mod array_list;
mod cell_scan;
mod gather;
mod residual_tables;

use std::{
    borrow::Cow,
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

pub(crate) use array_list::ArrayList;
use cell_scan::{Labels, ScannedLists};
use rayon::prelude::*;
use residual_tables::residual_tables;

use super::{
    entry_ids::EntryIds,
    inverted_lists::{InvertedLists, Position, ProbedQueries},
};
use crate::{
    error::Result,
    factory::Codes,
    lazy::get_or_make,
    quantise::{coarse::Coarse, codec::Codec},
    search::{Candidate, Gather, TopK, Within},
    vectors::Vectors,
};

/// Codec and lists of plain codes.
#[derive(Clone)]
pub(crate) struct ArrayLists {
    pub codec: Codec,
    /// Lists, `[nlist]`.
    pub lists: Vec<ArrayList>,
    /// File that the lists were read from, if it is not that of the index; they are written to the index's.
    pub file: Option<PathBuf>,
    /// Tables of [`residual_tables()`], computed by the first search.
    tables: OnceLock<Option<Arc<Vec<f32>>>>,
}

impl ArrayLists {
    /// Creates `nlist` empty lists.
    pub fn new(codec: Codec, nlist: usize) -> Self {
        Self::with_lists(codec, vec![ArrayList::default(); nlist])
    }

    /// Takes lists `[nlist]` of the codec's codes.
    pub fn with_lists(codec: Codec, lists: Vec<ArrayList>) -> Self {
        Self { codec, lists, file: None, tables: OnceLock::new() }
    }

    /// Notes the file that the lists were read from, if it is not that of the index.
    pub fn of_file(self, file: Option<PathBuf>) -> Self {
        Self { file, ..self }
    }

    /// Results of `each` with the number of a query and the entries that a collector keeps for it in `parts`, each `[nlist]`
    /// lists of this codec's codes. Labels are [positions](Position::packed) in the lists of a cell one behind the other.
    pub fn gather_in<G: Gather + Send, T: Send>(
        &self,
        parts: &[&[ArrayList]],
        queries: &ProbedQueries,
        new: impl Fn() -> G + Sync,
        each: impl Fn(usize, Vec<Candidate>) -> T + Sync,
    ) -> Vec<T> {
        let scanned = ScannedLists { labels: Labels::Positions, ..self.scanned(queries, parts) };
        scanned.gather_with(queries.queries, &queries.probes, queries.nprobe, new, each)
    }

    fn scanned<'a>(&'a self, queries: &ProbedQueries<'a>, parts: &'a [&'a [ArrayList]]) -> ScannedLists<'a> {
        let ProbedQueries { coarse, by_residual, .. } = *queries;
        let tables = || residual_tables(coarse, &self.codec, by_residual).map(Arc::new);
        let tables = get_or_make(&self.tables, tables).as_ref().map(|tables| tables.as_slice());
        ScannedLists { coarse, by_residual, codec: &self.codec, parts, tables, labels: Labels::Ids }
    }
}

impl InvertedLists for ArrayLists {
    fn codes(&self, _by_residual: bool) -> Codes {
        self.codec.codes()
    }

    fn is_lossless(&self) -> bool {
        self.codec.is_lossless()
    }

    fn code_size(&self) -> usize {
        self.codec.code_size()
    }

    fn encode(&self, vectors: &Vectors) -> Result<Vec<u8>> {
        self.codec.encode(vectors)
    }

    /// RaBitQ needs the norms of the vectors themselves for inner products.
    fn encode_in_cells(&self, vectors: &Vectors, coarse: &Coarse, cells: &[i64]) -> Result<Vec<u8>> {
        match &self.codec {
            Codec::RaBitQ(signs) => {
                Ok(signs.encode_around(&vectors.host, |row| coarse.centroid(cells[row] as usize)))
            }
            codec => codec.encode(&coarse.residuals(vectors, cells)?),
        }
    }

    fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        self.codec.add_decoded(code, out);
    }

    fn emptied(&self) -> Self {
        Self::new(self.codec.clone(), self.lists.len())
    }

    fn ids(&self) -> impl ExactSizeIterator<Item = &EntryIds> {
        self.lists.iter().map(|list| &list.ids)
    }

    fn ids_mut(&mut self) -> impl Iterator<Item = &mut EntryIds> {
        self.lists.iter_mut().map(|list| &mut list.ids)
    }

    fn code(&self, position: Position) -> Cow<'_, [u8]> {
        let (size, offset) = (self.code_size(), position.offset);
        Cow::Borrowed(&self.lists[position.cell].codes[offset * size..(offset + 1) * size])
    }

    fn push(&mut self, cell: usize, code: &[u8], id: i64) -> Position {
        Position { cell, offset: self.lists[cell].push(code, id) }
    }

    fn append(&mut self, other: &Self, shift: i64) {
        self.lists.iter_mut().zip(&other.lists).for_each(|(to, from)| to.append(from, shift));
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> usize {
        let code_size = self.code_size();
        self.lists.par_iter_mut().map(|list| list.remove(code_size, ids)).sum()
    }

    fn nearest(&self, queries: &ProbedQueries, k: usize) -> Vec<Vec<Candidate>> {
        let ProbedQueries { queries: vectors, probes, nprobe, .. } = queries;
        self.scanned(queries, &[&self.lists]).gather(vectors, probes, *nprobe, || TopK::new(k))
    }

    fn within(&self, queries: &ProbedQueries, radius: f32) -> Vec<Vec<Candidate>> {
        let ProbedQueries { coarse, queries: vectors, probes, nprobe, .. } = queries;
        let radius = coarse.metric.key(radius);
        self.scanned(queries, &[&self.lists]).gather(vectors, probes, *nprobe, || Within::new(radius))
    }
}
