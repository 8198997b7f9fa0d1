//! Search of one query in its probed cells.

use simd::Level;

use super::{
    block_list::BlockList,
    lut::{Extent, Quantisation, invert},
    probed_cells::{ProbedCell, ProbedCells},
    reservoir::Reservoir,
    tables::{ScannerConfig, Tables},
};
use crate::{
    kernels::{
        fast_scan::{BLOCK, Blocks, KSUB, prefetch, scan},
        packing::block_size,
    },
    metric::Metric,
    quantise::{
        coarse_scan::Probe,
        fast_scan_pq::{FastScanPq, Row},
    },
    search::Candidate,
};

/// Search request of one query against inverted lists.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    /// Query, `[d]`.
    pub query: &'a [f32],
    /// Distinct cells in any order; nearest first is fastest. Cells past the lists are ignored.
    pub probes: &'a [Probe],
    /// Lists, `[nlist]`.
    pub lists: &'a [BlockList],
    pub k: usize,
    /// If set, only vectors nearer than this distance are returned.
    pub radius: Option<f32>,
}

/// Searcher of packed lists, shared by threads that each have their own [`Scratch`].
pub(crate) struct Scanner {
    pub pq: FastScanPq,
    metric: Metric,
    tables: Tables,
    level: Level,
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct Scratch {
    visits: ProbedCells,
    /// `[m]`: terms of the query.
    rows: Vec<Row>,
    /// `[m]`: terms of a cell, if they are not stored.
    cell_rows: Vec<Row>,
    /// Minima of the rows: `[nprobe, m]` if tables are per cell, else `[m]`.
    minima: Vec<f32>,
    /// Quantised table, `block_size(m)` bytes.
    table: Vec<u8>,
    reservoir: Reservoir,
}

impl Scanner {
    /// Creates a scanner; for residual codes under L2, computes the tables of all cells.
    pub fn new(pq: FastScanPq, config: ScannerConfig<'_>) -> Self {
        let level = Level::detected();
        Self { tables: Tables::new(&pq, config, level), pq, metric: config.metric, level }
    }

    /// Replaces `found` by the `k` nearest vectors in the probed cells, nearest first. Vectors equally near
    /// after quantisation are kept in order of cells and offsets.
    pub fn search(&self, scan: Scan<'_>, scratch: &mut Scratch, found: &mut Vec<Candidate>) {
        found.clear();
        let total = scratch.reset(&scan, self.pq.m);
        if total == 0 || scan.k == 0 {
            return;
        }
        scratch.reservoir.reset(scan.k.min(total));
        let quantisation = self.level.run(|| self.quantisation(scan.query, scratch));
        let top = (self.metric == Metric::InnerProduct).then(|| scratch.invert());
        self.scan_cells(scan.lists, quantisation, scratch);
        let Scratch { reservoir, visits, .. } = scratch;
        let within = scan.radius.map(|radius| quantisation.sum(radius));
        let kept = reservoir
            .kept()
            .map(|(sum, position)| (top.map_or(f32::from(sum), |top| top as f32 - f32::from(sum)), position));
        let near =
            kept.filter(|&(sum, _)| within.is_none_or(|most| self.metric.key(sum) < self.metric.key(most)));
        found.extend(near.map(|(sum, position)| {
            let key = self.metric.key(quantisation.distance(sum));
            Candidate { key, id: visits.id_at(position, scan.lists) }
        }));
        found.sort_unstable();
    }

    /// Fills the scratch except the reservoir; quantises the table if all cells share it.
    #[inline(always)]
    fn quantisation(&self, query: &[f32], scratch: &mut Scratch) -> Quantisation {
        if self.tables.are_per_cell() {
            self.cell_extents(query, scratch);
        } else {
            self.query_extent(query, scratch);
        }
        let Scratch { visits, rows, minima, table, .. } = scratch;
        let bias = |visit: &ProbedCell| {
            if self.tables.are_biased() { self.metric.distance_of(visit.probe.score) } else { 0.0 }
        };
        let quantisation = Quantisation::new(visits.cells.iter().map(|visit| (bias(visit), visit.extent)));
        for visit in &mut visits.cells {
            visit.bias = quantisation.bias(bias(visit), visit.extent);
        }
        if !self.tables.are_per_cell() {
            quantisation.quantise(rows.iter().copied(), minima, table);
        }
        quantisation
    }

    #[inline(always)]
    fn query_extent(&self, query: &[f32], scratch: &mut Scratch) {
        let Scratch { visits, rows, minima, .. } = scratch;
        match self.metric {
            Metric::L2 => self.pq.squared_l2_table(query, rows),
            Metric::InnerProduct => self.pq.inner_product_table(query, rows),
        }
        let extent = Extent::of(rows.iter().copied(), minima);
        visits.cells.iter_mut().for_each(|visit| visit.extent = extent);
    }

    #[inline(always)]
    fn cell_extents(&self, query: &[f32], scratch: &mut Scratch) {
        let Scratch { visits, rows, cell_rows, minima, .. } = scratch;
        self.pq.inner_product_table(query, rows);
        minima.resize(visits.cells.len() * self.pq.m, 0.0);
        for (visit, minima) in visits.cells.iter_mut().zip(minima.chunks_exact_mut(self.pq.m)) {
            let cell_rows = self.tables.of_cell(&self.pq, visit.probe.cell, cell_rows);
            visit.extent = Extent::of(residual_rows(rows, cell_rows), minima);
        }
    }

    fn scan_cells(&self, lists: &[BlockList], quantisation: Quantisation, scratch: &mut Scratch) {
        let Scratch { visits, rows, cell_rows, minima, table, reservoir } = scratch;
        for (nth, &i) in visits.order.iter().enumerate() {
            let visit = visits.cells[i];
            if let Some(&next) = visits.order.get(nth + 1) {
                prefetch(&lists[visits.cells[next].probe.cell].codes);
            }
            if self.tables.are_per_cell() {
                let minima = &minima[i * self.pq.m..][..self.pq.m];
                self.level.run(|| {
                    let cell_rows = self.tables.of_cell(&self.pq, visit.probe.cell, cell_rows);
                    quantisation.quantise(residual_rows(rows, cell_rows), minima, table);
                });
            }
            scan_list(self.level, &lists[visit.probe.cell], table, visit, reservoir);
        }
    }
}

/// Table of a residual's squared distances, without the coarse distance.
#[inline(always)]
fn residual_rows(query: &[Row], cell: &[Row]) -> impl Iterator<Item = Row> {
    query.iter().zip(cell).map(|(query, cell)| std::array::from_fn(|i| cell[i] - 2.0 * query[i]))
}

/// Offers a list's nearest vectors to the reservoir.
#[inline]
fn scan_list(level: Level, list: &BlockList, table: &[u8], visit: ProbedCell, reservoir: &mut Reservoir) {
    let blocks = Blocks { codes: &list.codes, table, bias: visit.bias };
    scan(level, blocks, reservoir.most(), |block, mask, sums| {
        let filled = list.ids.len().saturating_sub(block * BLOCK);
        let mut mask = if filled < BLOCK { mask & ((1 << filled) - 1) } else { mask };
        while mask != 0 {
            let slot = mask.trailing_zeros() as usize;
            reservoir.push(sums[slot % BLOCK], visit.start + (block * BLOCK + slot) as u64);
            mask &= mask - 1;
        }
        reservoir.most()
    });
}

impl Scratch {
    /// Prepares the buffers for a query and returns the number of vectors in its cells.
    fn reset(&mut self, scan: &Scan<'_>, m: usize) -> usize {
        self.rows.resize(m, [0.0; KSUB]);
        self.cell_rows.resize(m, [0.0; KSUB]);
        self.minima.resize(m, 0.0);
        self.table.clear();
        self.table.resize(block_size(m), 0);
        self.visits.reset(scan.probes, scan.lists)
    }

    /// Inverts the sums of inner products so that smaller is nearer, and returns the constant from which they
    /// are subtracted.
    fn invert(&mut self) -> u32 {
        let cells = &mut self.visits.cells;
        let largest = cells.iter().map(|visit| visit.bias).max().unwrap_or(0);
        cells.iter_mut().for_each(|visit| visit.bias = largest - visit.bias);
        invert(&mut self.table) + u32::from(largest)
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::{
        metric::{inner_product, squared_l2},
        quantise::random_streams::seeded,
    };

    const D: usize = 30;
    const M: usize = 15;
    const NLIST: usize = 6;

    fn random(values: usize, stream: u64) -> Vec<f32> {
        let mut rng = seeded(9, stream);
        (0..values).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    struct Fixture {
        scanner: Scanner,
        metric: Metric,
        by_residual: bool,
        centroids: Vec<f32>,
        lists: Vec<BlockList>,
        query: Vec<f32>,
    }

    impl Fixture {
        fn new(metric: Metric, by_residual: bool) -> Self {
            let pq = FastScanPq::new(D, M, random(KSUB * D, 0)).unwrap();
            let (centroids, mut rng) = (random(NLIST * D, 1), seeded(9, 2));
            let mut lists = vec![BlockList::default(); NLIST];
            for id in 0..400 {
                let code: Vec<u8> = (0..M).map(|_| rng.random_range(0..16u8)).collect();
                let code = crate::kernels::packing::join_nibbles(&code, M);
                // List 0 is empty.
                lists[rng.random_range(1..NLIST)].push(&code, id);
            }
            let config = ScannerConfig { metric, by_residual, centroids: &centroids };
            let scanner = Scanner::new(pq, config);
            Self { scanner, metric, by_residual, centroids, lists, query: random(D, 3) }
        }

        fn all() -> impl Iterator<Item = Self> {
            let kinds = [Metric::L2, Metric::InnerProduct].into_iter();
            kinds.flat_map(|metric| [false, true].map(|by_residual| Self::new(metric, by_residual)))
        }

        fn probes(&self, nprobe: usize) -> Vec<Probe> {
            let distance = |cell: usize| self.metric.distance(&self.query, &self.centroids[cell * D..][..D]);
            (0..nprobe).map(|cell| Probe { cell, score: self.metric.key(distance(cell)) }).collect()
        }

        fn search(&self, nprobe: usize, k: usize) -> Vec<Candidate> {
            let mut found = vec![Candidate { key: 0.0, id: 99 }];
            let scan = Scan {
                query: &self.query,
                probes: &self.probes(nprobe),
                lists: &self.lists,
                k,
                radius: None,
            };
            self.scanner.search(scan, &mut Scratch::default(), &mut found);
            found
        }

        /// Keys and ids of all vectors, computed without quantised tables.
        fn exact(&self, nprobe: usize) -> Vec<Candidate> {
            let mut all = Vec::new();
            for (cell, list) in self.lists[..nprobe].iter().enumerate() {
                for (offset, id) in list.ids.iter().enumerate() {
                    let mut vector = vec![0.0; D];
                    if self.by_residual {
                        vector.copy_from_slice(&self.centroids[cell * D..][..D]);
                    }
                    self.scanner.pq.add_decoded(&list.unpack(offset, M.div_ceil(2)), &mut vector);
                    let distance = match self.metric {
                        Metric::L2 => squared_l2(&self.query, &vector),
                        Metric::InnerProduct => inner_product(&self.query, &vector),
                    };
                    all.push(Candidate { key: self.metric.key(distance), id });
                }
            }
            all.sort_unstable();
            all
        }
    }

    #[test]
    fn distances_are_near_those_of_the_decoded_vectors() {
        for fixture in Fixture::all() {
            for nprobe in 1..=NLIST {
                let (found, mut exact) = (fixture.search(nprobe, 500), fixture.exact(nprobe));
                assert_eq!(found.len(), exact.len());
                exact.sort_unstable_by_key(|candidate| candidate.id);
                // Each row sums two dimensions of a query, a centroid and a codeword, all in -1..1.
                let span = match (fixture.metric, fixture.by_residual) {
                    (Metric::InnerProduct, _) => 4.0,
                    (Metric::L2, false) => 8.0,
                    (Metric::L2, true) => 18.0,
                };
                for candidate in found {
                    let place = exact.binary_search_by_key(&candidate.id, |other| other.id).unwrap();
                    // A row spans at most 255 units; 15 entries and a bias are each off by half a unit.
                    assert!((candidate.key - exact[place].key).abs() < 8.0 * span / 255.0);
                }
            }
        }
    }

    #[test]
    fn fewer_neighbours_are_the_first_of_more() {
        for fixture in Fixture::all() {
            let all = fixture.search(NLIST, 400);
            assert!(all.is_sorted());
            for k in [0, 1, 5, 20, 64, 399] {
                let keys =
                    |found: &[Candidate]| found.iter().map(|candidate| candidate.key).collect::<Vec<_>>();
                assert_eq!(keys(&fixture.search(NLIST, k)), keys(&all[..k]));
            }
        }
    }

    #[test]
    fn all_levels_and_table_kinds_find_the_same() {
        for mut fixture in Fixture::all() {
            let expected = fixture.search(NLIST, 30);
            fixture.scanner.level = Level::SCALAR;
            assert_eq!(fixture.search(NLIST, 30), expected);
            if fixture.scanner.tables.are_per_cell() {
                fixture.scanner.tables = Tables::LargeCells(fixture.centroids.clone());
                assert_eq!(fixture.search(NLIST, 30), expected);
            }
        }
    }

    #[test]
    fn the_order_of_probes_does_not_matter() {
        for fixture in Fixture::all() {
            let mut probes = fixture.probes(NLIST);
            probes.reverse();
            let (mut scratch, mut found) = (Scratch::default(), Vec::new());
            let scan =
                Scan { query: &fixture.query, probes: &probes, lists: &fixture.lists, k: 25, radius: None };
            fixture.scanner.search(scan, &mut scratch, &mut found);
            assert_eq!(found, fixture.search(NLIST, 25));
        }
    }

    #[test]
    fn empty_cells_yield_nothing() {
        for fixture in Fixture::all() {
            assert!(fixture.search(0, 5).is_empty());
            // Cell 0, which is empty.
            assert!(fixture.search(1, 5).is_empty());
        }
    }
}
