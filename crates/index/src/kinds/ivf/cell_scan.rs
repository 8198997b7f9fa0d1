//! Scanning of a query's lists.

use rayon::prelude::*;

use super::{Ivf, TOGETHER};
use crate::{
    Metric,
    kernels::{Level, prefetch, table_add},
    quantise::{
        coarse_scan::Probe,
        codec::{Codec, Scanner},
    },
    search::{Gather, ScanBuffers, scan},
};

/// Limit on the tables of all cells, as in faiss; above it, each visit computes its own.
const MAX_TABLE_BYTES: usize = 2 << 30;

/// Method of comparing the codes of a cell with the query.
enum Comparison<'a> {
    /// The scanner's point is the query for all cells: the codec is not a product quantiser, and codes encode
    /// vectors or the metric separates centroid and residual.
    Aimed,
    /// As `Aimed` for product quantisers: one table serves all cells.
    Shared,
    /// `|q - c - r|^2 = |q - c|^2 + (|r|^2 + 2 c.r) - 2 q.r`: the middle term is looked up in a table of the
    /// cell, common to all queries, `[nlist, m, ksub]`; the last in a table of the query, common to all
    /// cells.
    Tables(&'a [f32]),
    /// The scanner's point is the query's residual in each cell.
    Residual,
}

/// Buffers of one thread's visits.
pub(super) struct Visit<'a> {
    ivf: &'a Ivf,
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

impl<'a> Visit<'a> {
    pub fn new(ivf: &'a Ivf) -> Self {
        let metric = ivf.coarse.metric;
        let comparison = match (&ivf.codec, ivf.tables()) {
            (_, Some(tables)) => Comparison::Tables(tables),
            (_, None) if metric == Metric::L2 && ivf.by_residual => Comparison::Residual,
            (Codec::Pq(_), None) => Comparison::Shared,
            _ => Comparison::Aimed,
        };
        let adds_score = ivf.by_residual && metric == Metric::InnerProduct;
        let scanner = Scanner::new(&ivf.codec, metric);
        let (queries, buffers) = (Vec::new(), ScanBuffers::default());
        Self { ivf, comparison, adds_score, scanner, buffers, queries, query: 0, tables: Vec::new() }
    }

    /// Computes the tables of queries `[n, d]` together.
    pub fn prepare(&mut self, queries: &[f32]) {
        self.queries.clear();
        self.queries.extend_from_slice(queries);
        let Codec::Pq(pq) = &self.ivf.codec else { return };
        let metric = self.ivf.coarse.metric;
        match self.comparison {
            Comparison::Tables(_) => pq.inner_product_tables(queries, -2.0, &mut self.tables),
            Comparison::Shared => pq.key_tables(metric, queries, &mut self.tables),
            Comparison::Aimed | Comparison::Residual => {}
        }
    }

    /// Starts prepared query `query`.
    pub fn start(&mut self, query: usize) {
        self.query = query;
        self.scanner.offset = 0.0;
        match self.comparison {
            Comparison::Aimed => self.scanner.aim(row(&self.queries, self.ivf.coarse.d, query)),
            Comparison::Shared => {
                let size = self.scanner.table.len();
                self.scanner.table.copy_from_slice(row(&self.tables, size, query));
            }
            Comparison::Tables(_) | Comparison::Residual => {}
        }
    }

    /// Scans a cell and offers its entries to `found`.
    pub fn enter(&mut self, probe: Probe, found: &mut impl Gather) {
        let Some(list) = self.ivf.lists.lists.get(probe.cell).filter(|list| !list.is_empty()) else {
            return; // empty list, or `Probe::NONE`
        };
        match &self.comparison {
            Comparison::Aimed | Comparison::Shared => {}
            Comparison::Residual => {
                let query = row(&self.queries, self.ivf.coarse.d, self.query);
                self.scanner.aim_at_residual(query, self.ivf.coarse.centroid(probe.cell));
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
        let code_size = self.ivf.lists.code_size;
        scan(&self.scanner, &mut self.buffers, &list.codes, code_size, |entry| list.id(entry), found);
    }

    /// Prefetches the tables that [`Self::enter`] reads for a cell.
    pub fn fetch(&self, probe: Probe) {
        if let Comparison::Tables(tables) = &self.comparison
            && probe.cell < self.ivf.coarse.nlist
        {
            prefetch(row(tables, self.scanner.table.len(), probe.cell));
        }
    }
}

/// Row `row` of a matrix with `width` columns.
fn row(matrix: &[f32], width: usize, row: usize) -> &[f32] {
    &matrix[row * width..(row + 1) * width]
}

/// `|r|^2 + 2 c.r` of every centroid and codeword, `[nlist, m, ksub]`; `None` unless codes are PQ residuals
/// under L2, or if the tables exceed the limit.
pub(super) fn tables(ivf: &Ivf) -> Option<Vec<f32>> {
    let Codec::Pq(pq) = &ivf.codec else { return None };
    if ivf.coarse.metric != Metric::L2 || !ivf.by_residual {
        return None;
    }
    let size = pq.m * pq.ksub;
    let fits =
        ivf.coarse.nlist.checked_mul(size * size_of::<f32>()).is_some_and(|all| all <= MAX_TABLE_BYTES);
    if !fits {
        return None;
    }
    let norms: Vec<f32> = pq.norms().collect();
    let mut tables = vec![0.0; ivf.coarse.nlist * size];
    let centroids = ivf.coarse.centroids().par_chunks(TOGETHER * ivf.coarse.d);
    let blocks = tables.par_chunks_mut(TOGETHER * size).zip(centroids);
    blocks.for_each_init(Vec::new, |products, (tables, centroids)| {
        pq.inner_product_tables(centroids, 2.0, products);
        let terms = products.chunks_exact(size).flat_map(|products| products.iter().zip(&norms));
        tables.iter_mut().zip(terms).for_each(|(out, (product, norm))| *out = product + norm);
    });
    Some(tables)
}
