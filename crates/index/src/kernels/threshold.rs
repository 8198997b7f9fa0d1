//! The values that pass a threshold.

use super::{Level, dispatch};

/// Appends the positions of the values that are not above the threshold, ascending. NaN is never a hit.
pub(crate) fn below(level: Level, values: &[f32], threshold: f32, hits: &mut Vec<u32>) {
    dispatch!(level, below(values, threshold, hits));
}
