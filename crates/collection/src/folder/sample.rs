//! Samples of live entries.

use std::collections::BinaryHeap;

use half::f16;
use index::{EntryLists, FoundEntry};

use super::view::View;
use crate::engine::shared::sample_hash;

/// Ids and descriptors `[d]` of at most `n` live entries, drawn by a seed; see [`Engine::sample`](crate::Engine::sample).
///
/// The `n` smallest hashes of ids are drawn, so that the draw does not depend on the order in which entries are kept.
pub fn sample(view: &View, n: usize, seed: u64) -> Vec<(i64, Vec<f32>)> {
    let mut drawn: BinaryHeap<(u64, i64, usize, usize, usize)> =
        BinaryHeap::with_capacity(n.min(view.entries()) + 1);
    for (part, lists) in view.parts().enumerate() {
        for (cell, offset, id) in ids(lists) {
            let hash = sample_hash(seed, id);
            let is_smaller = drawn.len() < n || drawn.peek().is_some_and(|(largest, ..)| hash < *largest);
            if is_smaller && view.withdrawn.binary_search(&id).is_err() {
                drawn.push((hash, id, part, cell, offset));
                if drawn.len() > n {
                    drawn.pop();
                }
            }
        }
    }
    let drawn = drawn.into_sorted_vec().into_iter();
    drawn
        .map(|(_, id, part, cell, offset)| {
            let values = view.descriptor(&FoundEntry { part, cell, offset, id, distance: 0.0 });
            (id, values.iter().map(|value| f16::to_f32(*value)).collect())
        })
        .collect()
}

/// Cell, place in the cell and id of each entry.
fn ids(lists: &EntryLists) -> impl Iterator<Item = (usize, usize, i64)> {
    (0..lists.nlist())
        .flat_map(|cell| lists.entries(cell).enumerate().map(move |(offset, (id, _))| (cell, offset, id)))
}
