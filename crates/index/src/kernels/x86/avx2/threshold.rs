//! Threshold selection, one test for 32 comparisons.

use std::arch::x86_64::*;

use crate::kernels::scalar;

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn below(values: &[f32], threshold: f32, hits: &mut Vec<u32>) {
    let threshold_lanes = _mm256_set1_ps(threshold);
    let (chunks, rest) = values.as_chunks::<32>();
    for (i, chunk) in chunks.iter().enumerate() {
        let mut mask = 0u32;
        for (j, lanes) in chunk.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: these are the 8 floats that the load reads, at any alignment.
            let lanes = unsafe { _mm256_loadu_ps(lanes.as_ptr()) };
            let hit = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(lanes, threshold_lanes));
            mask |= hit.cast_unsigned() << (j * 8);
        }
        while mask != 0 {
            hits.push((i * 32) as u32 + mask.trailing_zeros());
            mask &= mask - 1;
        }
    }
    scalar::push_hits(rest, chunks.len() * 32, threshold, hits);
}
