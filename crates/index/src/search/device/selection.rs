//! Selection of the least keys of every row.

use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor};

use super::DeviceNeighbours;
use crate::metric::Metric;

/// Key of entries that are absent or already selected. It is below the largest float, the initial value of
/// some devices' arg-minimum, and above any realistic key.
const FAR: f32 = 1e38;

/// The `count` least of the `w >= count` keys of every row, ascending, and their columns: `[n, count]` each.
///
/// Equal keys keep their order if the device's arg-minimum returns the first of them. Keys that overflowed or
/// are NaN become [`FAR`]; their columns are arbitrary.
pub(super) fn least(keys: Tensor<2>, count: usize) -> (Tensor<2>, Tensor<2, Int>) {
    let [n, _] = keys.dims();
    let near = keys.clone().lower_elem(FAR);
    let mut keys = without(keys.clamp(-FAR, FAR), near.bool_not());
    let far = Tensor::full([n, 1], FAR, &keys.device());
    let (mut found, mut places) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for _ in 0..count {
        let place = keys.clone().argmin(1);
        found.push(keys.clone().gather(1, place.clone()));
        keys = keys.scatter(1, place.clone(), far.clone(), IndexingUpdateOp::Assign);
        places.push(place);
    }
    (Tensor::cat(found, 1), Tensor::cat(places, 1))
}

/// Replaces the keys by [`FAR`] where `outside` is true.
pub(super) fn without<const D: usize>(keys: Tensor<D>, outside: Tensor<D, Bool>) -> Tensor<D> {
    keys.mask_fill(outside, FAR)
}

/// Nearest entries so far of each of `n` queries.
pub(super) struct Best {
    /// Ascending, `[n, k]`.
    keys: Tensor<2>,
    /// `[n, k]`.
    positions: Tensor<2, Int>,
}

impl Best {
    pub fn new(n: usize, k: usize, device: &Device) -> Self {
        Self { keys: Tensor::full([n, k], FAR, device), positions: Tensor::zeros([n, k], device) }
    }

    /// Merges entries given by key and position, both `[n, w]`.
    pub fn offer(self, keys: Tensor<2>, positions: Tensor<2, Int>) -> Self {
        let [_, k] = self.keys.dims();
        let (keys, places) = least(Tensor::cat(vec![self.keys, keys], 1), k);
        Self { keys, positions: Tensor::cat(vec![self.positions, positions], 1).gather(1, places) }
    }

    /// Converts keys to distances from `queries` `[n, d]`; keys lack the norms of the queries.
    pub fn finish(self, metric: Metric, queries: Tensor<2>) -> DeviceNeighbours {
        let missing = self.keys.clone().greater_equal_elem(FAR);
        let distances = match metric {
            Metric::L2 => (self.keys + queries.square().sum_dim(1)).clamp_min(0.0),
            Metric::InnerProduct => -self.keys,
        };
        DeviceNeighbours {
            distances: distances.mask_fill(missing.clone(), metric.worst()),
            positions: self.positions.mask_fill(missing, -1),
        }
    }
}
