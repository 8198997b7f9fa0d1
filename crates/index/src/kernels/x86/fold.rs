//! Sum of the lanes of a register.

use std::arch::x86_64::*;

/// Sums eight floats, adding the upper half to the lower in each step.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn fold8(lanes: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}
