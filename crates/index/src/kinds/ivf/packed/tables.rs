//! What the look-up tables of an index's queries depend on besides the query.

use super::lut::Row;
use crate::{
    Metric,
    kernels::{
        Level,
        fast_scan::{KSUB, compiled_for},
    },
    quantise::fast_scan_pq::FastScanPq,
};

/// What the codes stand for.
#[derive(Clone, Copy)]
pub(crate) struct ScannerConfig<'a> {
    pub metric: Metric,
    /// Whether codes are of residuals, not of the vectors themselves.
    pub by_residual: bool,
    /// Coarse centroids, `[nlist, d]`.
    pub centroids: &'a [f32],
}

/// Tables of all cells take at most as much, 2 GiB, as faiss's precomputed ones.
const MAX_TABLE_BYTES: usize = 2 << 30;

/// What tables depend on.
pub(crate) enum Tables {
    /// The query alone; cells have no bias.
    Query,
    /// The query alone, for inner products, whose part with the centroid is the cell's bias.
    BiasedQuery,
    /// Query and cell, see [`FastScanPq::residual_table`]: `[nlist, m]` rows. The bias is the coarse
    /// distance.
    Cells(Vec<Row>),
    /// The same, computed at every visit from the centroids, `[nlist, d]`.
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
            compiled_for(level, || pq.residual_table(centroid, table));
        }
        Self::Cells(tables)
    }

    pub fn are_per_cell(&self) -> bool {
        matches!(self, Self::Cells(_) | Self::LargeCells(_))
    }

    pub fn are_biased(&self) -> bool {
        !matches!(self, Self::Query)
    }

    /// What a cell adds to a query's table, `[m]` rows, in `buffer` if need be; nothing where the query
    /// decides.
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
