//! Threshold selection, one test for 64 comparisons.

use std::arch::x86_64::*;

use crate::kernels::scalar;

/// Floats in a register.
const WIDTH: usize = 16;

#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn below(values: &[f32], threshold: f32, hits: &mut Vec<u32>) {
    let threshold_lanes = _mm512_set1_ps(threshold);
    let (chunks, rest) = values.as_chunks::<64>();
    for (i, chunk) in chunks.iter().enumerate() {
        let mut mask = 0u64;
        for (j, lanes) in chunk.as_chunks::<WIDTH>().0.iter().enumerate() {
            // SAFETY: these are the 16 floats that the load reads, at any alignment.
            let lanes = unsafe { _mm512_loadu_ps(lanes.as_ptr()) };
            mask |= u64::from(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(lanes, threshold_lanes)) << (j * WIDTH);
        }
        while mask != 0 {
            hits.push((i * 64) as u32 + mask.trailing_zeros());
            mask &= mask - 1;
        }
    }
    scalar::push_hits(rest, chunks.len() * 64, threshold, hits);
}
