//! Inverted file, `IVF{nlist}` before any codes. A search visits the lists of the nearest cells.

mod cell_scan;
pub(crate) mod direct_map;
pub(crate) mod fast_scan;
pub(crate) mod lists;
pub(crate) mod packed;

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use cell_scan::Visit;
use rayon::prelude::*;

use crate::{
    Error, Factory, Metric, Result,
    kinds::{
        ivf::{
            direct_map::DirectMap,
            lists::{InvertedLists, Position, next_id},
        },
        store::Store,
    },
    lazy::get_or_make,
    quantise::{coarse::Coarse, coarse_scan::Probe, codec::Codec},
    search::{
        Candidate, Gather, Neighbours, QUERY_BLOCK, RangeNeighbours, TopK, Within, distinct, keep_distinct,
    },
    vectors::Vectors,
};

/// Bytes of codes above which the lists of one query are split among threads.
const SHARED_SCAN: usize = 1 << 20;

/// Queries whose look-up tables are computed together, a register tile of the kernel.
const TOGETHER: usize = 12;

/// Coarse quantiser, codec and inverted lists.
#[derive(Clone)]
pub(crate) struct Ivf {
    pub coarse: Coarse,
    pub codec: Codec,
    /// True if codes encode residuals, vectors minus their cell's centroid.
    pub by_residual: bool,
    pub lists: InvertedLists,
    pub direct_map: DirectMap,
    /// Number of lists that faiss visits by default; only written back to the file.
    pub nprobe: u64,
    /// Tables that [`cell_scan`] computes once for all searches.
    tables: OnceLock<Option<Arc<Vec<f32>>>>,
}

impl Ivf {
    /// Creates an empty index over trained quantisers.
    pub fn new(coarse: Coarse, codec: Codec, by_residual: bool) -> Self {
        let lists = InvertedLists::new(coarse.nlist, codec.code_size());
        Self::with_lists(coarse, codec, by_residual, lists)
    }

    pub fn with_lists(coarse: Coarse, codec: Codec, by_residual: bool, lists: InvertedLists) -> Self {
        let (direct_map, tables) = (DirectMap::None, OnceLock::new());
        Self { coarse, codec, by_residual, lists, direct_map, nprobe: 1, tables }
    }

    /// Encodes vectors of `cells` `[n]`: `[n, code_size]`.
    fn encode(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vec<u8>> {
        if self.by_residual {
            self.codec.encode(&self.coarse.residuals(vectors, cells)?)
        } else {
            self.codec.encode(vectors)
        }
    }

    /// Decodes codes `[n, code_size]` of `cells` `[n]`: `[n, d]`.
    pub fn decode(&self, codes: &[u8], cells: &[i64]) -> Vec<f32> {
        let d = self.coarse.d;
        let mut vectors =
            if self.by_residual { self.coarse.gather(cells) } else { vec![0.0; cells.len() * d] };
        for (code, vector) in codes.chunks_exact(self.codec.code_size()).zip(vectors.chunks_exact_mut(d)) {
            self.codec.add_decoded(code, vector);
        }
        vectors
    }

    /// Appends vectors, each to its `lists` nearest lists, under ids already checked.
    fn push(&mut self, vectors: &Vectors, id: impl Fn(usize) -> i64, lists: usize) -> Result<()> {
        for (rows, cells) in self.coarse.nearest_cells(vectors, lists)? {
            let codes = match rows.len() == vectors.n {
                true => self.encode(vectors, &cells)?,
                false => self.encode(&vectors.select(&rows), &cells)?,
            };
            let codes = codes.chunks_exact(self.lists.code_size);
            let entries = cells.iter().zip(codes).zip(rows).map(|((&cell, code), row)| {
                let id = id(row);
                (id, self.lists.push(cell as usize, code, id))
            });
            let entries: Vec<(i64, Position)> = entries.collect();
            self.direct_map.extend(&entries);
        }
        Ok(())
    }

    /// Candidates of every query in the lists of its `nprobe <= nlist` nearest cells, nearest first.
    fn gather<G: Gather + Send>(
        &self,
        queries: &Vectors,
        nprobe: usize,
        new: impl Fn() -> G + Sync,
    ) -> Result<Vec<Vec<Candidate>>> {
        let probes = self.coarse.probes(queries, nprobe)?;
        self.tables(); // before several threads would compute them
        let together = queries.n.div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
        let blocks = queries.host.par_chunks(together * queries.d).zip(probes.par_chunks(together * nprobe));
        let search = |visit: &mut Visit, (queries_here, probes): (&[f32], &[Probe])| {
            visit.prepare(queries_here);
            let rows = queries_here.chunks_exact(queries.d).zip(probes.chunks_exact(nprobe)).enumerate();
            let found = rows.map(|(i, (query, probes))| match self.share(queries.n, probes) {
                share if share == probes.len() => visit_all(visit, i, probes, new()),
                share => self.share_out(query, probes.par_chunks(share), &new),
            });
            found.collect::<Vec<_>>()
        };
        if queries.n == 1 {
            // Waking a thread costs as much as a typical search of one query.
            return Ok(search(&mut Visit::new(self), (&queries.host, &probes)));
        }
        let found: Vec<Vec<_>> = blocks.map_init(|| Visit::new(self), search).collect();
        Ok(found.into_iter().flatten().collect())
    }

    /// Tables common to all queries, if any; computed by the first search.
    fn tables(&self) -> Option<&Arc<Vec<f32>>> {
        get_or_make(&self.tables, || cell_scan::tables(self).map(Arc::new)).as_ref()
    }

    /// Searches one query in several threads, each in some of the cells.
    fn share_out<'p, G: Gather + Send>(
        &self,
        query: &[f32],
        shares: impl ParallelIterator<Item = &'p [Probe]>,
        new: &(impl Fn() -> G + Sync),
    ) -> Vec<Candidate> {
        let visit_share = |probes: &[Probe]| {
            let mut visit = Visit::new(self);
            visit.prepare(query);
            visit_all(&mut visit, 0, probes, new())
        };
        let found: Vec<Vec<Candidate>> = shares.map(visit_share).collect();
        let mut all = new();
        found.into_iter().flatten().for_each(|candidate| all.push(candidate));
        all.into_sorted()
    }

    /// Number of a query's lists per thread: all, unless threads are idle and the lists are long.
    fn share(&self, queries: usize, probes: &[Probe]) -> usize {
        let threads = rayon::current_num_threads() / queries.max(1);
        let lists = || probes.iter().filter_map(|probe| self.lists.lists.get(probe.cell));
        let codes = || lists().map(|list| list.codes.len()).sum::<usize>();
        if threads > 1 && codes() >= SHARED_SCAN { probes.len().div_ceil(threads) } else { probes.len() }
    }
}

/// Visits the cells of prepared query `query`.
fn visit_all(visit: &mut Visit, query: usize, probes: &[Probe], mut found: impl Gather) -> Vec<Candidate> {
    visit.start(query);
    for (i, &probe) in probes.iter().enumerate() {
        probes.get(i + 1).iter().for_each(|&&next| visit.fetch(next));
        visit.enter(probe, &mut found);
    }
    found.into_sorted()
}

impl Store for Ivf {
    fn d(&self) -> usize {
        self.coarse.d
    }

    fn ntotal(&self) -> usize {
        self.lists.ntotal()
    }

    fn metric(&self) -> Metric {
        self.coarse.metric
    }

    fn factory(&self) -> Factory {
        let coarse = Some(self.coarse.kind());
        Factory { transforms: Vec::new(), coarse, codes: self.codec.codes(), refine: false }
    }

    fn coarse(&self) -> Option<&Coarse> {
        Some(&self.coarse)
    }

    fn is_lossless(&self) -> bool {
        self.codec.is_lossless()
    }

    fn next_id(&self) -> i64 {
        next_id(self.lists.lists.iter().flat_map(|list| list.ids()), self.ntotal())
    }

    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()> {
        self.push(vectors, |row| first + row as i64, 1)
    }

    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64]) -> Result<()> {
        self.add_to_lists(vectors, ids, 1)
    }

    fn add_to_lists(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        self.direct_map.check_new_ids(ids)?;
        self.push(vectors, |row| ids[row], self.coarse.stored(lists)?)
    }

    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        let (metric, nprobe) = (self.coarse.metric, self.coarse.visited(nprobe)?);
        let mut found = Neighbours::missing(queries.n, k, metric)?;
        let keep = k.min(self.lists.ntotal());
        for (block, first) in queries.blocks(QUERY_BLOCK).zip((0..).step_by(QUERY_BLOCK)) {
            let nearest = |queries: &Vectors, k: usize| self.gather(queries, nprobe, || TopK::new(k));
            found.fill(first, metric, &distinct(&block, keep, self.lists.ntotal(), nearest)?);
        }
        Ok(found)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        let (metric, nprobe) = (self.coarse.metric, self.coarse.visited(nprobe)?);
        let radius = metric.key(radius);
        let mut found = Vec::with_capacity(queries.n);
        for block in queries.blocks(QUERY_BLOCK) {
            found.extend(self.gather(&block, nprobe, || Within::new(radius))?);
        }
        found.iter_mut().for_each(keep_distinct);
        Ok(RangeNeighbours::new(metric, found))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let position = self.lists.find(id).ok_or(Error::UnknownId(id))?;
        Ok(self.decode(self.lists.code_at(position), &[position.cell as i64]))
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        if self.is_lossless() {
            return Ok(vectors.host.to_vec());
        }
        let cells = self.coarse.cells(vectors)?;
        Ok(self.decode(&self.encode(vectors, &cells)?, &cells))
    }

    fn centroids(&self, vectors: &Vectors) -> Result<Option<Vec<f32>>> {
        Ok(Some(self.coarse.gather(&self.coarse.cells(vectors)?)))
    }

    fn cells(&self, vectors: &Vectors) -> Result<Option<Vec<i64>>> {
        self.coarse.cells(vectors).map(Some)
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        let before = self.lists.ntotal();
        let code_size = self.lists.code_size;
        self.lists.lists.par_iter_mut().for_each(|list| list.retain(code_size, |id| !ids.contains(&id)));
        let removed = before - self.lists.ntotal();
        if removed > 0 {
            self.direct_map.rebuild(self.lists.entries());
        }
        Ok(removed)
    }
}
