//! Scanning of a query's lists.

use std::slice;

use simd::Level;

use super::array_list::ArrayList;
use crate::{
    kernels::{prefetch, table_add},
    kinds::ivf::inverted_lists::Position,
    metric::Metric,
    quantise::{
        coarse::Coarse,
        coarse_scan::Probe,
        codec::{Codec, Scanner},
    },
    search::{Gather, ScanBuffers, scan},
};

/// Bytes of a list's codes that are prefetched; the hardware goes on from there.
const PREFETCHED: usize = 512;

/// Lists of an inverted file and what is needed to scan them.
#[derive(Clone, Copy)]
pub(super) struct ScannedLists<'a> {
    pub coarse: &'a Coarse,
    /// True if codes encode residuals, vectors minus their cell's centroid.
    pub by_residual: bool,
    pub codec: &'a Codec,
    /// Sets of lists that are searched as one, each `[nlist]`.
    pub parts: &'a [&'a [ArrayList]],
    /// Tables of [`super::residual_tables()`], if there are any.
    pub tables: Option<&'a [f32]>,
    pub labels: Labels,
}

/// Numbers by which a scan names the entries it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    /// Stored ids.
    Ids,
    /// Places in the lists of a cell one behind the other, see [`Position::packed`].
    Positions,
}

impl<'a> ScannedLists<'a> {
    /// Lists of a cell; none for `Probe::NONE`.
    pub fn lists(self, cell: usize) -> impl Iterator<Item = &'a ArrayList> {
        self.parts.iter().filter_map(move |part| part.get(cell))
    }
}

/// Method of comparing the codes of a cell with the query.
enum Comparison<'a> {
    /// The scanner's point is the query for all cells: the codec is not a product quantiser, and codes encode
    /// vectors or the metric separates centroid and residual.
    Query,
    /// As `Query` for product quantisers: one table serves all cells.
    Shared,
    /// `|q - c - r|^2 = |q - c|^2 + (|r|^2 + 2 c.r) - 2 q.r`: the middle term is looked up in a table of the
    /// cell, common to all queries, `[nlist, m, ksub]`; the last in a table of the query, common to all
    /// cells.
    Tables(&'a [f32]),
    /// The scanner's point is the query's residual in each cell.
    Residual,
}

/// Scan of the cells of some queries by one thread.
pub(super) struct CellScan<'a> {
    source: ScannedLists<'a>,
    comparison: Comparison<'a>,
    /// For the inner product of residuals, `q.(c + r) = q.c + q.r`: adds the coarse score.
    adds_score: bool,
    scanner: Scanner<'a>,
    buffers: ScanBuffers,
    /// Queries prepared together, `[n, d]`.
    queries: Vec<f32>,
    /// Index of the current query.
    query: usize,
    /// Tables of the prepared queries for product quantisers, `[n, m, ksub]`.
    tables: Vec<f32>,
}

impl<'a> CellScan<'a> {
    pub fn new(source: ScannedLists<'a>) -> Self {
        let metric = source.coarse.metric;
        let comparison = match (source.codec, source.tables) {
            (_, Some(tables)) => Comparison::Tables(tables),
            (Codec::RaBitQ(_), None) => Comparison::Residual,
            (_, None) if metric == Metric::L2 && source.by_residual => Comparison::Residual,
            (Codec::Pq(_), None) => Comparison::Shared,
            _ => Comparison::Query,
        };
        let has_norms = matches!(source.codec, Codec::RaBitQ(_));
        let adds_score = source.by_residual && metric == Metric::InnerProduct && !has_norms;
        let scanner = Scanner::new(source.codec, metric);
        let (queries, buffers) = (Vec::new(), ScanBuffers::default());
        Self { source, comparison, adds_score, scanner, buffers, queries, query: 0, tables: Vec::new() }
    }

    /// Computes the tables of queries `[n, d]` together.
    pub fn prepare(&mut self, queries: &[f32]) {
        self.queries.clear();
        self.queries.extend_from_slice(queries);
        let Codec::Pq(pq) = self.source.codec else { return };
        let metric = self.source.coarse.metric;
        match self.comparison {
            Comparison::Tables(_) => pq.inner_product_tables(queries, -2.0, &mut self.tables),
            Comparison::Shared => pq.key_tables(metric, queries, &mut self.tables),
            Comparison::Query | Comparison::Residual => {}
        }
    }

    /// Starts prepared query `query`.
    pub fn set_query(&mut self, query: usize) {
        self.query = query;
        self.scanner.offset = 0.0;
        match self.comparison {
            Comparison::Query => self.scanner.set_query(row(&self.queries, self.source.coarse.d, query)),
            Comparison::Shared => {
                let size = self.scanner.table.len();
                self.scanner.table.copy_from_slice(row(&self.tables, size, query));
            }
            Comparison::Tables(_) | Comparison::Residual => {}
        }
    }

    /// Scans a cell and offers its entries to `found`.
    pub fn scan_cell(&mut self, probe: Probe, found: &mut impl Gather) {
        if self.source.lists(probe.cell).all(|list| list.ids.is_empty()) {
            return;
        }
        match &self.comparison {
            Comparison::Query | Comparison::Shared => {}
            Comparison::Residual => {
                let query = row(&self.queries, self.source.coarse.d, self.query);
                self.scanner.set_residual(query, self.source.coarse.centroid(probe.cell));
            }
            Comparison::Tables(tables) => {
                let size = self.scanner.table.len();
                let (cell, query) = (row(tables, size, probe.cell), row(&self.tables, size, self.query));
                table_add(Level::detected(), cell, 1.0, query, &mut self.scanner.table);
                self.scanner.offset = probe.score;
            }
        }
        if self.adds_score {
            self.scanner.offset = probe.score;
        }
        let mut first = 0;
        for list in self.source.lists(probe.cell) {
            self.scan_list(probe.cell, list, first, found);
            first += list.ids.len();
        }
    }

    /// Scans a list of a cell; the cell has `first` entries before it.
    fn scan_list(&mut self, cell: usize, list: &ArrayList, first: usize, found: &mut impl Gather) {
        let code_size = self.source.codec.code_size();
        let (scanner, buffers) = (&self.scanner, &mut self.buffers);
        match self.source.labels {
            Labels::Ids => scan(scanner, buffers, &list.codes, code_size, |entry| list.ids.get(entry), found),
            Labels::Positions => {
                let label = |entry| Position { cell, offset: first + entry }.packed();
                scan(scanner, buffers, &list.codes, code_size, label, found);
            }
        }
    }

    /// Prefetches where the lists of a cell are, which [`Self::prefetch`] reads.
    pub fn prefetch_headers(&self, probe: Probe) {
        self.source.lists(probe.cell).for_each(|list| prefetch(slice::from_ref(list)));
    }

    /// Prefetches what [`Self::scan_cell`] reads first for a cell: tables and codes.
    pub fn prefetch(&self, probe: Probe) {
        if let Comparison::Tables(tables) = &self.comparison
            && probe.cell < self.source.coarse.nlist
        {
            prefetch(row(tables, self.scanner.table.len(), probe.cell));
        }
        for list in self.source.lists(probe.cell) {
            let codes: &[u8] = &list.codes;
            prefetch(&codes[..codes.len().min(PREFETCHED)]);
        }
    }
}

/// Row `row` of a matrix with `width` columns.
fn row(matrix: &[f32], width: usize, row: usize) -> &[f32] {
    &matrix[row * width..(row + 1) * width]
}
