//! Searches the cells that the coarse quantiser names for one query.

use super::lut::{Extent, Quantization, Row, invert};
use super::packing::{PackedList, block_size};
use super::quantizer::FastScanPq;
use super::reservoir::Reservoir;
use crate::raw::Level;
use crate::raw::fast_scan::{BLOCK, Blocks, KSUB, compiled_for, prefetch, scan};
use crate::search::Candidate;
use crate::{Metric, Result};

/// A cell to visit for a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probe {
    pub cell: usize,
    /// The query's squared distance to the cell's centroid, or inner product with it.
    pub distance: f32,
}

/// One query against inverted lists.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    /// `[d]`.
    pub query: &'a [f32],
    /// In any order; distinct cells.
    pub probes: &'a [Probe],
    /// `[nlist]`.
    pub lists: &'a [PackedList],
    pub k: usize,
}

/// What the codes stand for.
#[derive(Clone, Copy)]
pub(crate) struct ScannerConfig<'a> {
    pub metric: Metric,
    /// Whether codes are of residuals, not of the vectors themselves.
    pub by_residual: bool,
    /// Coarse centroids, `[nlist, d]`.
    pub centroids: &'a [f32],
}

/// Searches packed lists; may be shared by threads, each with its own [`Scratch`].
pub(crate) struct Scanner {
    pub pq: FastScanPq,
    metric: Metric,
    tables: Tables,
    level: Level,
}

/// What a query's tables depend on.
enum Tables {
    /// The query alone; cells have no bias.
    Query,
    /// The query alone, for an inner product whose part with the centroid is the cell's bias.
    BiasedQuery,
    /// Query and cell, see [`FastScanPq::residual_table`]: `[nlist, m]` rows.
    Cells(Vec<Row>),
    /// The same, computed at every visit from the centroids, `[nlist, d]`.
    LargeCells(Vec<f32>),
}

/// Tables of all cells take at most as much, 2 GiB, as faiss's precomputed ones.
const MAX_TABLE_BYTES: usize = 2 << 30;

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct Scratch {
    /// `[nprobe]`, ascending cells.
    probes: Vec<Probe>,
    /// `[m]`: what all cells' tables share.
    rows: Vec<Row>,
    /// `[m]`: what the cell adds, where it is not stored.
    cell_rows: Vec<Row>,
    /// `[nprobe, m]`, or `[m]` where cells share the table.
    minima: Vec<f32>,
    /// `[nprobe]`.
    extents: Vec<Extent>,
    /// `[nprobe]`: number of vectors before each cell.
    starts: Vec<u64>,
    /// `block_size(m)` bytes.
    table: Vec<u8>,
    reservoir: Reservoir,
}

impl Scanner {
    /// # Errors
    ///
    /// The coarse centroids' tables do not fit in memory.
    pub fn new(pq: FastScanPq, config: ScannerConfig<'_>) -> Result<Self> {
        let level = Level::detected();
        let tables = match (config.metric, config.by_residual) {
            (_, false) => Tables::Query,
            (Metric::InnerProduct, true) => Tables::BiasedQuery,
            (Metric::L2, true) => Tables::of_cells(&pq, config.centroids, level),
        };
        Ok(Self { pq, metric: config.metric, tables, level })
    }

    /// Replaces `found` by the `k` nearest vectors in the probed cells, nearest first. Of vectors equally near after
    /// quantisation, those are kept that come first in order of cells and offsets.
    pub fn search(&self, scan: Scan<'_>, scratch: &mut Scratch, found: &mut Vec<Candidate>) {
        found.clear();
        let total = scratch.start(&scan, self.pq.m);
        if total == 0 || scan.k == 0 {
            return;
        }
        scratch.reservoir.reset(scan.k.min(total));
        let quantization = compiled_for(self.level, || self.quantization(scan.query, scratch));
        let top = self.scan_cells(scan.lists, quantization, scratch);
        let Scratch { reservoir, starts, probes, .. } = scratch;
        found.extend(reservoir.kept().map(|(sum, position)| {
            let probe = starts.partition_point(|&start| start <= position) - 1;
            let sum = if let Some(top) = top { top as f32 - f32::from(sum) } else { f32::from(sum) };
            Candidate {
                key: self.metric.key(quantization.distance(sum)),
                id: scan.lists[probes[probe].cell].id((position - starts[probe]) as usize),
            }
        }));
        found.sort_unstable();
    }

    /// Fills the scratch's tables, minima and extents.
    #[inline(always)]
    fn quantization(&self, query: &[f32], scratch: &mut Scratch) -> Quantization {
        let m = self.pq.m;
        let Scratch { probes, rows, cell_rows, minima, extents, table, .. } = scratch;
        if !self.tables.are_per_cell() {
            match self.metric {
                Metric::L2 => self.pq.squared_l2_table(query, rows),
                Metric::InnerProduct => self.pq.inner_product_table(query, rows),
            }
            let extent = Extent::of(rows.iter().copied(), &mut minima[..m]);
            extents.resize(probes.len(), extent);
            let quantization = Quantization::new(self.biases(probes).zip(extents.iter().copied()));
            quantization.quantize(rows.iter().copied(), &minima[..m], table);
            return quantization;
        }
        self.pq.inner_product_table(query, rows);
        minima.resize(probes.len() * m, 0.0);
        for (probe, minima) in probes.iter().zip(minima.chunks_exact_mut(m)) {
            let cell_rows = self.tables.cell_rows(&self.pq, probe.cell, cell_rows);
            extents.push(Extent::of(residual_rows(rows, cell_rows), minima));
        }
        Quantization::new(self.biases(probes).zip(extents.iter().copied()))
    }

    /// What the coarse quantiser contributes to the distances in every cell.
    #[inline(always)]
    fn biases(&self, probes: &[Probe]) -> impl Iterator<Item = f32> + Clone {
        let biased = !matches!(self.tables, Tables::Query);
        probes.iter().map(move |probe| if biased { probe.distance } else { 0.0 })
    }

    /// Fills the reservoir. For inner products, whose sums are inverted, returns what they are subtracted from.
    fn scan_cells(
        &self,
        lists: &[PackedList],
        quantization: Quantization,
        scratch: &mut Scratch,
    ) -> Option<u32> {
        let Scratch { probes, rows, cell_rows, minima, extents, starts, table, reservoir } = scratch;
        let bias = |(bias, &extent): (f32, &Extent)| quantization.bias(bias, extent);
        let biases = || self.biases(probes).zip(&*extents).map(bias);
        let inverted = self.metric == Metric::InnerProduct;
        let largest = biases().max().unwrap_or(0);
        let top = inverted.then(|| invert(table) + u32::from(largest));
        let minima = minima.chunks_exact(self.pq.m).cycle();
        for ((i, bias), minima) in biases().enumerate().zip(minima) {
            let list = &lists[probes[i].cell];
            if let Some(next) = probes.get(i + 1) {
                prefetch(&lists[next.cell].codes);
            }
            if self.tables.are_per_cell() && !list.is_empty() {
                compiled_for(self.level, || {
                    let cell_rows = self.tables.cell_rows(&self.pq, probes[i].cell, cell_rows);
                    quantization.quantize(residual_rows(rows, cell_rows), minima, table);
                });
            }
            let bias = if inverted { largest - bias } else { bias };
            scan_list(self.level, list, Blocks { codes: &list.codes, table, bias }, starts[i], reservoir);
        }
        top
    }
}

/// Pushes the nearest of a list's vectors; `start` is the position of the first.
#[inline]
fn scan_list(level: Level, list: &PackedList, blocks: Blocks<'_>, start: u64, reservoir: &mut Reservoir) {
    scan(level, blocks, reservoir.most(), |block, mask, sums| {
        let filled = list.len() - (block * BLOCK).min(list.len());
        let mut mask = if filled < BLOCK { mask & ((1 << filled) - 1) } else { mask };
        while mask != 0 {
            let slot = mask.trailing_zeros() as usize;
            reservoir.push(sums[slot % BLOCK], start + (block * BLOCK + slot) as u64);
            mask &= mask - 1;
        }
        reservoir.most()
    });
}

/// Table of a residual's squared distances, less the coarse distance.
#[inline(always)]
fn residual_rows(query: &[Row], cell: &[Row]) -> impl Iterator<Item = Row> {
    query.iter().zip(cell).map(|(query, cell)| std::array::from_fn(|i| cell[i] - 2.0 * query[i]))
}

impl Tables {
    fn of_cells(pq: &FastScanPq, centroids: &[f32], level: Level) -> Self {
        let rows = centroids.len() / pq.dsub;
        if rows > MAX_TABLE_BYTES / size_of::<Row>() {
            return Self::LargeCells(centroids.to_vec());
        }
        let mut tables = vec![[0.0; KSUB]; rows];
        for (centroid, table) in centroids.chunks_exact(pq.d).zip(tables.chunks_exact_mut(pq.m)) {
            compiled_for(level, || pq.residual_table(centroid, table));
        }
        Self::Cells(tables)
    }

    fn are_per_cell(&self) -> bool {
        matches!(self, Self::Cells(_) | Self::LargeCells(_))
    }

    /// What a cell adds to a query's rows, `[m]`; nothing where cells do not matter.
    #[inline(always)]
    fn cell_rows<'a>(&'a self, pq: &FastScanPq, cell: usize, buffer: &'a mut Vec<Row>) -> &'a [Row] {
        match self {
            Self::Cells(tables) => &tables[cell * pq.m..][..pq.m],
            Self::LargeCells(centroids) => {
                buffer.resize(pq.m, [0.0; KSUB]);
                pq.residual_table(&centroids[cell * pq.d..][..pq.d], buffer);
                buffer
            }
            Self::Query | Self::BiasedQuery => &[],
        }
    }
}

impl Scratch {
    /// Prepares the buffers for a query and returns the number of vectors that it visits.
    fn start(&mut self, scan: &Scan<'_>, m: usize) -> usize {
        self.probes.clear();
        self.probes.extend(scan.probes.iter().filter(|probe| probe.cell < scan.lists.len()));
        self.probes.sort_unstable_by_key(|probe| probe.cell);
        self.extents.clear();
        self.starts.clear();
        let mut total = 0;
        for probe in &self.probes {
            self.starts.push(total as u64);
            total += scan.lists[probe.cell].len();
        }
        self.rows.resize(m, [0.0; KSUB]);
        self.minima.resize(m, 0.0);
        self.table.clear();
        self.table.resize(block_size(m), 0);
        total
    }
}
