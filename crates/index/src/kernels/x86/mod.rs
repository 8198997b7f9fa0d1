//! Kernels in the vector instructions of x86-64.

use std::arch::x86_64::*;

pub(super) mod avx2;
pub(super) mod avx512;
mod pack;

/// Compiles the bodies of the specification that the compiler vectorises well for a level's instructions.
macro_rules! compile_for {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        pub(in crate::kernels) fn table_add(base: &[f32], scale: f32, other: &[f32], out: &mut [f32]) {
            scalar::table_add(base, scale, other, out);
        }

        #[target_feature(enable = $features)]
        pub(in crate::kernels) fn quantise(row: &[f32], codes: &mut [i8]) -> Quantised {
            scalar::quantise(row, codes)
        }

        #[target_feature(enable = $features)]
        pub(in crate::kernels) fn argmin(norms: &[f32], products: &[f32]) -> (u32, f32) {
            scalar::argmin(norms, products)
        }
    };
}
use compile_for;

/// Sums eight floats, adding the upper half to the lower in each step.
#[inline]
#[target_feature(enable = "avx2")]
fn fold8(lanes: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}
