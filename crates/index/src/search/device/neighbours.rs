//! Search results that stay on the device.

use burn::tensor::{Device, Int, Tensor};
use device_math::transfer::{download, download_ints};

use crate::{
    error::{Error, Result},
    metric::Metric,
    search::{Candidate, Neighbours, write_row},
};

/// The `k` nearest vectors of each of `n` queries, on the index's device, nearest first.
#[derive(Debug, Clone)]
pub struct DeviceNeighbours {
    /// Distances `[n, k]`, as in [`Neighbours::distances`].
    pub distances: Tensor<2>,
    /// Positions `[n, k]` of the entries at the time of the search, counted cell by cell in an inverted file;
    /// -1 where there are fewer than `k` neighbours. [`crate::Index::read_neighbours`] turns them into ids.
    pub positions: Tensor<2, Int>,
}

impl DeviceNeighbours {
    pub(super) fn missing(n: usize, k: usize, metric: Metric, device: &Device) -> Self {
        let distances = Tensor::full([n, k], metric.worst(), device);
        Self { distances, positions: Tensor::full([n, k], -1, device) }
    }

    /// Concatenates the results of at least one block of queries, in order.
    pub(super) fn concatenate(blocks: Vec<Self>) -> Self {
        let (distances, positions) =
            blocks.into_iter().map(|block| (block.distances, block.positions)).unzip();
        Self { distances: Tensor::cat(distances, 0), positions: Tensor::cat(positions, 0) }
    }

    /// Reads the neighbours back, ties ordered by id; `id` maps a position to its id, `None` if out of range.
    pub(super) fn read(self, metric: Metric, id: impl Fn(usize) -> Option<i64>) -> Result<Neighbours> {
        let [n, k] = self.distances.dims();
        let mut found = Neighbours::missing(n, k, metric)?;
        let (distances, positions) = (download(self.distances)?, download_ints(self.positions)?);
        let read = distances.chunks_exact(k).zip(positions.chunks_exact(k));
        let rows = found.distances.chunks_exact_mut(k).zip(found.ids.chunks_exact_mut(k));
        for ((near, positions), (distances, ids)) in read.zip(rows) {
            let known = near.iter().zip(positions).filter(|&(_, &position)| position >= 0);
            let candidate = |(&distance, &position): (&f32, &i64)| {
                let unknown = || Error::argument("position", "that of an entry of this index", position);
                let id = id(position as usize).ok_or_else(unknown)?;
                Ok(Candidate { key: metric.key(distance), id })
            };
            let mut candidates: Vec<Candidate> = known.map(candidate).collect::<Result<_>>()?;
            candidates.sort_unstable();
            write_row(metric, &candidates, distances, ids);
        }
        Ok(found)
    }
}
