//! Terms of look-up tables that do not depend on the query.

use simd::Level;

use crate::{
    kernels::fast_scan::KSUB,
    metric::Metric,
    quantise::fast_scan_pq::{FastScanPq, Row},
};

/// Metric, encoding and centroids of the index.
#[derive(Clone, Copy)]
pub(crate) struct ScannerConfig<'a> {
    pub metric: Metric,
    /// True if codes encode residuals.
    pub by_residual: bool,
    /// Coarse centroids, `[nlist, d]`.
    pub centroids: &'a [f32],
}

/// Limit on the tables of all cells, 2 GiB, as for faiss's precomputed tables.
const MAX_TABLE_BYTES: usize = 2 << 30;

/// Dependence of tables on the cells.
pub(crate) enum Tables {
    /// Tables depend only on the query; cells have no bias.
    Query,
    /// Tables depend only on the query; the bias of a cell is the inner product with its centroid.
    BiasedQuery,
    /// Tables depend on query and cell, see [`FastScanPq::residual_table`]: `[nlist, m]` rows. The bias is
    /// the coarse distance.
    Cells(Vec<Row>),
    /// As `Cells`, with the terms recomputed per visit from the centroids, `[nlist, d]`.
    LargeCells(Vec<f32>),
}

impl Tables {
    pub fn new(pq: &FastScanPq, config: ScannerConfig<'_>, level: Level) -> Self {
        match (config.metric, config.by_residual) {
            (_, false) => Self::Query,
            (Metric::InnerProduct, true) => Self::BiasedQuery,
            (Metric::L2, true) if config.centroids.len() / pq.dsub > MAX_TABLE_BYTES / size_of::<Row>() => {
                Self::LargeCells(config.centroids.to_vec())
            }
            (Metric::L2, true) => Self::of_cells(pq, config.centroids, level),
        }
    }

    fn of_cells(pq: &FastScanPq, centroids: &[f32], level: Level) -> Self {
        let mut tables = vec![[0.0; KSUB]; centroids.len() / pq.dsub];
        for (centroid, table) in centroids.chunks_exact(pq.d).zip(tables.chunks_exact_mut(pq.m)) {
            level.run(|| pq.residual_table(centroid, table));
        }
        Self::Cells(tables)
    }

    pub fn are_per_cell(&self) -> bool {
        matches!(self, Self::Cells(_) | Self::LargeCells(_))
    }

    pub fn are_biased(&self) -> bool {
        !matches!(self, Self::Query)
    }

    /// Terms of a cell in a query's table, `[m]` rows, computed into `buffer` if not stored; empty if tables
    /// depend only on the query.
    #[inline(always)]
    pub fn of_cell<'a>(&'a self, pq: &FastScanPq, cell: usize, buffer: &'a mut [Row]) -> &'a [Row] {
        match self {
            Self::Cells(tables) => &tables[cell * pq.m..][..pq.m],
            Self::LargeCells(centroids) => {
                pq.residual_table(&centroids[cell * pq.d..][..pq.d], buffer);
                buffer
            }
            Self::Query | Self::BiasedQuery => &[],
        }
    }
}
