//! Selection of the values up to a threshold.

use simd::Level;

use super::dispatch::dispatch;

/// Appends the positions of values up to `threshold`, ascending. NaN is never a hit.
pub(crate) fn below(level: Level, values: &[f32], threshold: f32, hits: &mut Vec<u32>) {
    dispatch!(level, below(values, threshold, hits));
}
