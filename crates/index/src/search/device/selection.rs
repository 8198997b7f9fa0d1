//! Selecting the least keys of every row.

use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor};

use super::DeviceNeighbours;
use crate::Metric;

/// Key of what is not there or already selected. Below the largest float, with which some devices'
/// arg-minimum begins, and large enough that no sensible key reaches it.
const FAR: f32 = 1e38;

/// The `count` least of the `w >= count` keys of every row, ascending, and where they stand: `[n, count]`.
///
/// Equal keys come in order, as far as the device's arg-minimum takes the first of them. A key that
/// overflowed or is not a number is [`FAR`]; what comes after all nearer ones stands anywhere.
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

/// The keys, [`FAR`] where `outside` says so.
pub(super) fn without<const D: usize>(keys: Tensor<D>, outside: Tensor<D, Bool>) -> Tensor<D> {
    keys.mask_fill(outside, FAR)
}

/// The nearest entries met so far of each of `n` queries.
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

    /// Takes in entries by key and position, both `[n, w]`.
    pub fn offer(self, keys: Tensor<2>, positions: Tensor<2, Int>) -> Self {
        let [_, k] = self.keys.dims();
        let (keys, places) = least(Tensor::cat(vec![self.keys, keys], 1), k);
        Self { keys, positions: Tensor::cat(vec![self.positions, positions], 1).gather(1, places) }
    }

    /// Distances from `queries` `[n, d]`, whose own norms no key has contained so far.
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
