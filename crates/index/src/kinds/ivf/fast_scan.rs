//! `IVF{nlist},PQ{m}x4fs`: inverted file with codes packed for [`crate::fast_scan`].

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use rayon::prelude::*;

use crate::{
    Codes, Error, Factory, Metric, Result,
    files::faiss::fast_scan::Parameters,
    kernels::{Level, packing::PackedList},
    kinds::{
        ivf::{
            direct_map::DirectMap,
            lists::{Position, next_id},
            packed::{Scan, Scanner, ScannerConfig, Scratch},
        },
        store::Store,
    },
    lazy::get_or_make,
    quantise::{coarse::Coarse, coarse_scan::Probe, fast_scan_pq::FastScanPq},
    search::{Candidate, Neighbours, QUERY_BLOCK, RangeNeighbours, distinct, keep_distinct},
    vectors::Vectors,
};

/// Coarse quantiser, product quantiser and lists of packed 4-bit codes.
#[derive(Clone)]
pub(crate) struct IvfFastScan {
    pub coarse: Coarse,
    pub pq: FastScanPq,
    pub parameters: Parameters,
    /// Lists, `[nlist]`.
    pub lists: Vec<PackedList>,
    pub direct_map: DirectMap,
    /// Number of lists that faiss visits by default; only written back to the file.
    pub nprobe: u64,
    /// Built by the first search.
    scanner: OnceLock<Arc<Scanner>>,
}

impl IvfFastScan {
    /// Creates an empty index over trained quantisers.
    pub fn new(coarse: Coarse, pq: FastScanPq, by_residual: bool) -> Self {
        let lists = vec![PackedList::default(); coarse.nlist];
        let parameters = Parameters::new(pq.m, by_residual);
        let (direct_map, scanner) = (DirectMap::None, OnceLock::new());
        Self { coarse, pq, parameters, lists, direct_map, nprobe: 1, scanner }
    }

    /// Copy without the entries.
    pub fn emptied(&self) -> Self {
        Self::new(self.coarse.clone(), self.pq.clone(), self.parameters.by_residual)
    }

    /// Appends the entries of an index with the same quantisers, adding `shift` to their ids.
    pub fn append(&mut self, other: &Self, shift: i64) {
        let size = self.pq.code_size();
        for (to, from) in self.lists.iter_mut().zip(&other.lists) {
            for (offset, id) in from.ids().enumerate() {
                to.push(&from.unpack(offset, size), id.saturating_add(shift));
            }
        }
        self.rebuild_direct_map();
    }

    /// Encodes vectors of `cells` `[n]`: `[n, code_size]`.
    fn encode(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vec<u8>> {
        let level = Level::detected();
        if !self.parameters.by_residual {
            return Ok(self.pq.encode(&vectors.host, level));
        }
        Ok(self.pq.encode(&self.coarse.residuals(vectors, cells)?.host, level))
    }

    /// Decodes a code of a cell: `d` floats.
    fn decode(&self, code: &[u8], cell: usize) -> Vec<f32> {
        let mut vector = match self.parameters.by_residual {
            true => self.coarse.centroid(cell).to_vec(),
            false => vec![0.0; self.coarse.d],
        };
        self.pq.add_decoded(code, &mut vector);
        vector
    }

    /// Appends vectors, each to its `lists` nearest lists, under ids already checked.
    fn push(&mut self, vectors: &Vectors, id: impl Fn(usize) -> i64, lists: usize) -> Result<()> {
        for (rows, cells) in self.coarse.nearest_cells(vectors, lists)? {
            let codes = match rows.len() == vectors.n {
                true => self.encode(vectors, &cells)?,
                false => self.encode(&vectors.select(&rows), &cells)?,
            };
            let codes = codes.chunks_exact(self.pq.code_size());
            let entries = cells.iter().zip(codes).zip(rows).map(|((&cell, code), row)| {
                let (id, cell) = (id(row), cell as usize);
                (id, Position { cell, offset: self.lists[cell].push(code, id) })
            });
            let entries: Vec<(i64, Position)> = entries.collect();
            self.direct_map.extend(&entries);
        }
        Ok(())
    }

    fn rebuild_direct_map(&mut self) {
        let entries = self.lists.iter().enumerate().flat_map(|(cell, list)| {
            list.ids().enumerate().map(move |(offset, id)| (id, Position { cell, offset }))
        });
        self.direct_map.rebuild(entries);
    }

    fn scanner(&self) -> &Arc<Scanner> {
        get_or_make(&self.scanner, || {
            let (metric, by_residual) = (self.coarse.metric, self.parameters.by_residual);
            let config = ScannerConfig { metric, by_residual, centroids: self.coarse.centroids() };
            Arc::new(Scanner::new(self.pq.clone(), config))
        })
    }

    /// Candidates of every query in the lists of its `nprobe` nearest cells, nearest first: at most `k`,
    /// within `radius` if given.
    fn gather(
        &self,
        queries: &Vectors,
        k: usize,
        nprobe: usize,
        radius: Option<f32>,
    ) -> Result<Vec<Vec<Candidate>>> {
        let scanner = self.scanner();
        let probes = self.coarse.probes(queries, nprobe)?;
        let rows = queries.host.par_chunks_exact(queries.d).zip(probes.par_chunks_exact(nprobe));
        let search = |scratch: &mut Scratch, (query, probes): (&[f32], &[Probe])| {
            let mut found = Vec::new();
            scanner.search(Scan { query, probes, lists: &self.lists, k, radius }, scratch, &mut found);
            found
        };
        if queries.n == 1 {
            // Waking a thread costs as much as a typical search of one query.
            return Ok(vec![search(&mut Scratch::default(), (&queries.host, &probes))]);
        }
        Ok(rows.map_init(Scratch::default, search).collect())
    }
}

impl Store for IvfFastScan {
    fn d(&self) -> usize {
        self.coarse.d
    }

    fn ntotal(&self) -> usize {
        self.lists.iter().map(PackedList::len).sum()
    }

    fn metric(&self) -> Metric {
        self.coarse.metric
    }

    fn factory(&self) -> Factory {
        let codes = Codes::FastScan { m: self.pq.m, by_residual: self.parameters.by_residual };
        Factory { transforms: Vec::new(), coarse: Some(self.coarse.kind()), codes, refine: false }
    }

    fn coarse(&self) -> Option<&Coarse> {
        Some(&self.coarse)
    }

    fn is_lossless(&self) -> bool {
        false
    }

    fn next_id(&self) -> i64 {
        next_id(self.lists.iter().flat_map(PackedList::ids), self.ntotal())
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
        let keep = k.min(self.ntotal());
        for (block, first) in queries.blocks(QUERY_BLOCK).zip((0..).step_by(QUERY_BLOCK)) {
            let nearest = |queries: &Vectors, k: usize| self.gather(queries, k, nprobe, None);
            found.fill(first, metric, &distinct(&block, keep, self.ntotal(), nearest)?);
        }
        Ok(found)
    }

    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        let (metric, nprobe) = (self.coarse.metric, self.coarse.visited(nprobe)?);
        let mut found = Vec::with_capacity(queries.n);
        for block in queries.blocks(QUERY_BLOCK) {
            found.extend(self.gather(&block, self.ntotal(), nprobe, Some(radius))?);
        }
        found.iter_mut().for_each(keep_distinct);
        Ok(RangeNeighbours::new(metric, found))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let find = |(cell, list): (usize, &PackedList)| {
            list.ids().position(|stored| stored == id).map(|offset| (cell, offset))
        };
        let (cell, offset) = self.lists.iter().enumerate().find_map(find).ok_or(Error::UnknownId(id))?;
        Ok(self.decode(&self.lists[cell].unpack(offset, self.pq.code_size()), cell))
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        let cells = self.coarse.cells(vectors)?;
        let codes = self.encode(vectors, &cells)?;
        let codes = codes.chunks_exact(self.pq.code_size()).zip(&cells);
        Ok(codes.flat_map(|(code, &cell)| self.decode(code, cell as usize)).collect())
    }

    fn centroids(&self, vectors: &Vectors) -> Result<Option<Vec<f32>>> {
        Ok(Some(self.coarse.gather(&self.coarse.cells(vectors)?)))
    }

    fn cells(&self, vectors: &Vectors) -> Result<Option<Vec<i64>>> {
        self.coarse.cells(vectors).map(Some)
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        let size = self.pq.code_size();
        let removed = self.lists.par_iter_mut().map(|list| list.remove(|id| ids.contains(&id), size)).sum();
        if removed > 0 {
            self.rebuild_direct_map();
        }
        Ok(removed)
    }
}
