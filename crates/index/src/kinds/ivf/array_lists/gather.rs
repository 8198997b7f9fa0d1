//! Search of many queries in their lists, split among threads.

use rayon::prelude::*;

use super::cell_scan::{CellScan, ScannedLists};
use crate::{
    quantise::coarse_scan::Probe,
    search::{Candidate, Gather},
    vectors::Vectors,
};

/// Bytes of codes above which the lists of one query are split among threads.
const SHARED_SCAN: usize = 1 << 20;

/// Queries whose look-up tables are computed together, a register tile of the kernel.
const TOGETHER: usize = 12;

impl ScannedLists<'_> {
    /// Candidates of each of `queries` `[n, d]` in the lists of its cells `probes` `[n, nprobe]`, nearest first.
    pub fn gather<G: Gather + Send>(
        self,
        queries: &Vectors,
        probes: &[Probe],
        nprobe: usize,
        new: impl Fn() -> G + Sync,
    ) -> Vec<Vec<Candidate>> {
        self.gather_with(queries, probes, nprobe, new, |_, found| found)
    }

    /// Gathers candidates as [`Self::gather`] does, and returns the results of `each` with the number of a query and its
    /// candidates; the thread that gathered them makes the call.
    pub fn gather_with<G: Gather + Send, T: Send>(
        self,
        queries: &Vectors,
        probes: &[Probe],
        nprobe: usize,
        new: impl Fn() -> G + Sync,
        each: impl Fn(usize, Vec<Candidate>) -> T + Sync,
    ) -> Vec<T> {
        let together = queries.n.div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
        let blocks = queries.host.par_chunks(together * queries.d).zip(probes.par_chunks(together * nprobe));
        let search = |scan: &mut CellScan, (block, (queries_here, probes)): (usize, (&[f32], &[Probe]))| {
            scan.prepare(queries_here);
            let rows = queries_here.chunks_exact(queries.d).zip(probes.chunks_exact(nprobe)).enumerate();
            let results = rows.map(|(i, (query, own))| {
                let found = match self.share(queries.n, own) {
                    share if share == own.len() => scan_all(scan, i, &probes[i * nprobe..], nprobe, new()),
                    share => self.share_out(query, own.par_chunks(share), &new),
                };
                each(block * together + i, found)
            });
            results.collect::<Vec<T>>()
        };
        if queries.n == 1 {
            // Waking a thread costs as much as a typical search of one query.
            return search(&mut CellScan::new(self), (0, (&queries.host, probes)));
        }
        let results: Vec<Vec<T>> = blocks.enumerate().map_init(|| CellScan::new(self), search).collect();
        results.into_iter().flatten().collect()
    }

    /// Searches one query in several threads, each in some of the cells.
    fn share_out<'p, G: Gather + Send>(
        self,
        query: &[f32],
        shares: impl ParallelIterator<Item = &'p [Probe]>,
        new: &(impl Fn() -> G + Sync),
    ) -> Vec<Candidate> {
        let scan_share = |probes: &[Probe]| {
            let mut scan = CellScan::new(self);
            scan.prepare(query);
            scan_all(&mut scan, 0, probes, probes.len(), new())
        };
        let found: Vec<Vec<Candidate>> = shares.map(scan_share).collect();
        let mut all = new();
        found.into_iter().flatten().for_each(|candidate| all.push(candidate));
        all.into_found()
    }

    /// Number of a query's lists per thread: all, unless threads are idle and the lists are long.
    fn share(self, queries: usize, probes: &[Probe]) -> usize {
        let threads = rayon::current_num_threads() / queries.max(1);
        let lists = || probes.iter().flat_map(|probe| self.lists(probe.cell));
        let codes = || lists().map(|list| list.codes.len()).sum::<usize>();
        if threads > 1 && codes() >= SHARED_SCAN { probes.len().div_ceil(threads) } else { probes.len() }
    }
}

/// Scans the first `nprobe` cells of `probes` for prepared query `query`; the others are those of the next queries.
fn scan_all(
    scan: &mut CellScan,
    query: usize,
    probes: &[Probe],
    nprobe: usize,
    mut found: impl Gather,
) -> Vec<Candidate> {
    scan.set_query(query);
    for (i, &probe) in probes.iter().enumerate().take(nprobe) {
        probes.get(i + 2).iter().for_each(|&&later| scan.prefetch_headers(later));
        probes.get(i + 1).iter().for_each(|&&next| scan.prefetch(next));
        scan.scan_cell(probe, &mut found);
    }
    found.into_found()
}
