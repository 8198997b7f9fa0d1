//! What all inverted-file indexes share: cells, lists, ids and the walk over the probed lists.

use std::ops::Range;

use rayon::prelude::*;

use crate::coarse::{Coarse, Probe};
use crate::direct_map::DirectMap;
use crate::inverted_lists::{InvertedList, InvertedLists, Position};
use crate::search::{Neighbours, TopK, write_row};
use crate::vectors::Vectors;
use crate::{Error, Result};

/// A coarse quantiser and the codes of the vectors in its cells.
#[derive(Clone)]
pub(crate) struct Ivf {
    pub coarse: Coarse,
    pub lists: InvertedLists,
    pub direct_map: DirectMap,
    /// The number of lists that faiss would visit by default; kept for the file alone.
    pub nprobe: u64,
}

impl Ivf {
    /// An empty index over trained centroids.
    pub fn new(coarse: Coarse, code_size: usize) -> Self {
        let lists = InvertedLists::new(coarse.nlist, code_size);
        Self { coarse, lists, direct_map: DirectMap::None, nprobe: 1 }
    }

    /// Appends codes `[n, code_size]` under consecutive ids: from `ntotal` as in faiss, or from behind the largest
    /// id where the caller's own ids reach further.
    pub fn add(&mut self, cells: &[i64], codes: &[u8]) -> Range<i64> {
        let largest = self.lists.lists.iter().flat_map(|list| &list.ids).max();
        let start = largest.map_or(0, |id| id.saturating_add(1)).max(self.lists.ntotal() as i64);
        let ids = start..start + cells.len() as i64;
        self.push(cells, codes, ids.clone());
        ids
    }

    /// Appends codes `[n, code_size]` under ids that [`Self::check_ids`] passed.
    pub fn add_with_ids(&mut self, cells: &[i64], codes: &[u8], ids: &[i64]) {
        self.push(cells, codes, ids.iter().copied());
    }

    /// # Errors
    ///
    /// A negative id, which a search could not tell from a missing neighbour, or a direct map of array type,
    /// which has room for consecutive ids only.
    pub fn check_ids(&self, ids: &[i64]) -> Result<()> {
        if let Some(id) = ids.iter().find(|&&id| id < 0) {
            return Err(Error::argument("id", "at least 0", id));
        }
        if !self.direct_map.allows_ids() {
            return Err(Error::argument("direct map", "none or a hash table when ids are given", "an array"));
        }
        Ok(())
    }

    fn push(&mut self, cells: &[i64], codes: &[u8], ids: impl Iterator<Item = i64>) {
        let codes = codes.chunks_exact(self.lists.code_size);
        let entries = cells.iter().zip(codes).zip(ids);
        let entries: Vec<(i64, Position)> =
            entries.map(|((&cell, code), id)| (id, self.lists.push(cell as usize, code, id))).collect();
        self.direct_map.extend(&entries);
    }

    /// Where the vector with this id lies.
    pub fn find(&self, id: i64) -> Result<Position> {
        self.lists.find(id).ok_or(Error::UnknownId(id))
    }

    /// The `k` nearest entries of the `nprobe` nearest cells of each query.
    ///
    /// `scanner` prepares a query (`d` floats); what it returns is called with each cell to visit and that
    /// cell's list, and pushes every entry with its sort key.
    pub fn search<'q, S>(
        &self,
        queries: &'q Vectors,
        k: usize,
        nprobe: usize,
        scanner: impl Fn(&'q [f32]) -> S + Sync,
    ) -> Result<Neighbours>
    where
        S: FnMut(Probe, &InvertedList, &mut TopK),
    {
        if nprobe == 0 {
            return Err(Error::argument("nprobe", "at least 1", nprobe));
        }
        let metric = self.coarse.metric;
        let mut found = Neighbours::missing(queries.n, k, metric)?;
        let nprobe = nprobe.min(self.coarse.nlist);
        let probes = self.coarse.probes(queries, nprobe)?;
        let keep = k.min(self.lists.ntotal());
        let rows = found.distances.par_chunks_mut(k).zip(found.ids.par_chunks_mut(k));
        let queries = queries.host.par_chunks_exact(self.coarse.d).zip(probes.par_chunks_exact(nprobe));
        queries.zip(rows).for_each(|((query, probes), (distances, ids))| {
            let mut top = TopK::new(keep);
            let mut scan = scanner(query);
            probes.iter().for_each(|&probe| scan(probe, &self.lists.lists[probe.cell], &mut top));
            write_row(metric, &top.into_sorted(), distances, ids);
        });
        Ok(found)
    }
}
