//! Kernels in the vector instructions of x86-64.

use std::arch::x86_64::*;

pub(super) mod avx2;
pub(super) mod avx512;
mod pack;

/// Sums eight floats, adding the upper half to the lower in each step.
#[inline]
#[target_feature(enable = "avx2")]
fn fold8(lanes: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}
