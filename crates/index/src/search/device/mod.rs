//! Searching by tensor operations on devices other than the CPU.
//!
//! Entries are uploaded by the first search and stay on the device until the index changes. Queries are
//! transformed, assigned to cells, compared and selected there; only the `k` neighbours are read back.
//!
//! Squared L2 distances are expanded into `|q|^2 + |x|^2 - 2 q.x`, with `q.x = q.c + q.r` where a code
//! encodes the residual `r = x - c`. `|x|^2` is computed at upload, `q.c` comes from the coarse quantiser,
//! and `q.r` is the sum of `m` entries of a look-up table that serves all cells of a query. The error of the
//! expansion is a few float32 roundings of the norms, however small the distance. `Flat` and `SQ...` keep
//! decoded vectors and multiply; `PQ` keeps one 32-bit integer per sub-vector. On the device `Flat` thus
//! takes the space of its file, `SQ8` and 8-bit `PQ` four times that.
//!
//! In an inverted file each query gathers its lists padded to the longest one, so unbalanced lists waste
//! work. Ties among the `k` are ordered by id; among those that tie for the last place, the ones visited
//! first are kept.
//!
//! The host searches, after reading the queries back, for kinds that [`DeviceIndex::new`] refuses (`LSH`,
//! fast scan, `HNSW`, `RaBitQ`, `RFlat`, more than 2^31 numbers) and for more than [`MAX_K`] neighbours.

mod cells;
mod entries;
mod neighbours;
mod queries;
mod selection;
mod stored;
#[cfg(test)]
mod tests;

use burn::tensor::{Device, Int, Tensor};

pub(crate) use entries::{CellEntries, Entries};
pub use neighbours::DeviceNeighbours;

use crate::{
    error::{Error, Result},
    metric::Metric,
    search::Neighbours,
};
use cells::Cells;
use queries::{DeviceTransform, Queries};
use selection::Best;
use stored::Stored;

/// Largest `k` of a search on a device; each neighbour takes a pass over all keys.
pub(crate) const MAX_K: usize = 128;

/// Numbers in the largest intermediate tensor: 16 MiB. A few are alive at once.
const BLOCK: usize = 4 << 20;

/// Least number of entries per query and step; with fewer, launching operations dominates.
const MIN_ENTRIES: usize = 256;

/// Most queries in a block.
const BLOCK_QUERIES: usize = 512;

/// An index's quantisers and entries on the device.
pub(crate) struct DeviceIndex {
    metric: Metric,
    /// Dimension of the queries before the transforms.
    d: usize,
    ntotal: usize,
    transforms: Vec<DeviceTransform>,
    /// `None`: every entry is visited.
    cells: Option<Cells>,
    stored: Stored,
    /// Ids by position, `[ntotal]`; `None` where ids are positions.
    ids: Option<Vec<i64>>,
    device: Device,
}

impl DeviceIndex {
    /// Uploads entries; `None` if only the host can search them.
    pub fn new(entries: Entries, device: &Device) -> Option<Self> {
        let cells = match &entries.cells {
            Some(cells) => Some(Cells::new(&entries, cells, device)?),
            None => None,
        };
        let stored = Stored::new(&entries, device)?;
        let transforms = entries.transforms.iter();
        Some(Self {
            metric: entries.metric,
            d: entries.d(),
            ntotal: entries.ntotal(),
            transforms: transforms.map(|transform| DeviceTransform::new(transform, device)).collect(),
            cells,
            stored,
            ids: entries.ids,
            device: device.clone(),
        })
    }

    /// Searches as [`crate::Index::search`] does; only the neighbours are read back.
    ///
    /// # Errors
    /// The errors of [`crate::Index::search`]; `k` above [`MAX_K`].
    pub fn search(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<Neighbours> {
        let queries = self.accept(queries, k, nprobe)?;
        let found = self.nearest(&queries, k, nprobe);
        queries.check_finite()?;
        self.read(found)
    }

    /// Searches without reading anything back; see [`crate::Index::search_on_device`].
    pub fn search_on_device(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<DeviceNeighbours> {
        Ok(self.nearest(&self.accept(queries, k, nprobe)?, k, nprobe))
    }

    fn accept(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<Queries> {
        let [n, found] = queries.dims();
        if found != self.d {
            return Err(Error::Dimension { what: "queries", expected: self.d, found });
        }
        if !(1..=MAX_K).contains(&k) {
            return Err(Error::argument("k", format!("1 to {MAX_K} on a device"), k));
        }
        if nprobe == 0 && self.cells.is_some() {
            return Err(Error::argument("nprobe", "at least 1", nprobe));
        }
        if n == 0 {
            return Err(Error::argument("number of queries", "at least 1 on a device", n));
        }
        Ok(Queries::new(queries, &self.transforms, &self.device))
    }

    fn nearest(&self, queries: &Queries, k: usize, nprobe: usize) -> DeviceNeighbours {
        if self.ntotal == 0 {
            return DeviceNeighbours::missing(queries.n(), k, self.metric, &self.device);
        }
        let blocks = queries.blocks(self.block_queries()).map(|queries| match &self.cells {
            Some(cells) => self.visit_cells(cells, queries, k, nprobe),
            None => self.visit_all(queries, k),
        });
        DeviceNeighbours::concatenate(blocks.collect())
    }

    /// Number of queries in a block.
    fn block_queries(&self) -> usize {
        let (nlist, width) = match &self.cells {
            Some(cells) => (cells.nlist(), self.stored.width()),
            None => (1, self.stored.range_width()),
        };
        let widest = self.stored.table_size().max(nlist).max(width * MIN_ENTRIES);
        (BLOCK / widest).clamp(1, BLOCK_QUERIES)
    }

    fn visit_all(&self, queries: Tensor<2>, k: usize) -> DeviceNeighbours {
        let [n, _] = queries.dims();
        let mut best = Best::new(n, k, &self.device);
        let prepared = self.stored.prepare(queries.clone());
        let step = (BLOCK / (n * self.stored.range_width())).max(1);
        for start in (0..self.ntotal).step_by(step) {
            let range = start..(start + step).min(self.ntotal);
            let positions = Tensor::<1, Int>::arange(range.start as i64..range.end as i64, &self.device);
            let positions = positions.unsqueeze::<2>().expand([n, range.len()]);
            best = best.offer(self.stored.keys_in(&prepared, range), positions);
        }
        best.finish(self.metric, queries)
    }

    fn visit_cells(&self, cells: &Cells, queries: Tensor<2>, k: usize, nprobe: usize) -> DeviceNeighbours {
        let [n, _] = queries.dims();
        let mut best = Best::new(n, k, &self.device);
        let prepared = self.stored.prepare(queries.clone());
        let probes = cells.probes(queries.clone(), nprobe);
        for piece in cells.pieces(&probes, BLOCK / (n * self.stored.width())) {
            let [_, lists, span] = piece.positions.dims();
            let positions = piece.positions.reshape([n, lists * span]);
            let keys = self.stored.keys_at(&prepared, positions.clone()).reshape([n, lists, span]);
            let keys = match piece.scores {
                Some(scores) => keys + scores.unsqueeze_dim(2),
                None => keys,
            };
            let keys = selection::without(keys, piece.outside).reshape([n, lists * span]);
            best = best.offer(keys, positions);
        }
        best.finish(self.metric, queries)
    }

    /// Reads neighbours of this index back and replaces positions by ids.
    ///
    /// # Errors
    /// A failing device; a position out of range.
    pub fn read(&self, found: DeviceNeighbours) -> Result<Neighbours> {
        found.read(self.metric, |position| match &self.ids {
            Some(ids) => ids.get(position).copied(),
            None => (position < self.ntotal).then_some(position as i64),
        })
    }
}
