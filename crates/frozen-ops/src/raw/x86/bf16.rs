//! AVX-512 with dot products of bf16: what [`super::avx512`] computes, two products at a time.

use std::arch::x86_64::{
    __m256bh, __m256i, __m512, __m512bh, _mm256_storeu_si256, _mm512_castps_si512, _mm512_cvtneps_pbh,
    _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
};

use super::avx512::{COLUMNS, LANES, finish, lanes_below};
use crate::raw::tile::{Tile, WIDTH};

pub(crate) fn usable() -> bool {
    super::avx512::usable() && is_x86_feature_detected!("avx512bf16")
}

/// # Safety
///
/// The processor has AVX-512 with bf16; that of [`Tile`], whose values are pairs of bf16.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
pub(crate) unsafe fn tiles<'a>(tiles: impl Iterator<Item = Tile<'a>>) {
    for tile in tiles {
        // SAFETY: the caller's.
        unsafe { by_rows!(tile, compute) }
    }
}

/// # Safety
///
/// As above, with `R` rows.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
unsafe fn compute<const R: usize>(tile: &Tile<'_>) {
    let mut sums = [[_mm512_setzero_ps(); COLUMNS]; R];
    let mut panel = tile.panel;
    for run in tile.runs {
        let rows: [*const f32; R] = std::array::from_fn(|row| run[row]);
        for i in 0..tile.k {
            // SAFETY: the caller's.
            unsafe {
                let b: [__m512; COLUMNS] = std::array::from_fn(|j| _mm512_loadu_ps(panel.add(j * LANES)));
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let a = _mm512_set1_ps(*row.add(i));
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = _mm512_dpbf16_ps(*sum, pairs(a), pairs(b));
                    }
                }
                panel = panel.add(WIDTH);
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { finish(tile, row, sums) };
    }
}

/// The same bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
fn pairs(register: __m512) -> __m512bh {
    // SAFETY: both are 64 bytes of any value.
    unsafe { std::mem::transmute(_mm512_castps_si512(register)) }
}

/// Rounds values to bf16, two in the place of one, the last with a zero if their number is odd.
///
/// # Safety
///
/// The processor has AVX-512 with bf16; `to` holds half as many as `values`, rounded up.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
pub(crate) unsafe fn round(values: &[f32], to: &mut [f32]) {
    let chunks = values.chunks(LANES).zip(to.chunks_mut(LANES / 2));
    for (values, to) in chunks {
        // SAFETY: no more are read than there are; eight places hold what sixteen values become.
        unsafe {
            let lanes = lanes_below(values.len());
            let rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, values.as_ptr()));
            if to.len() == LANES / 2 {
                _mm256_storeu_si256(
                    to.as_mut_ptr().cast(),
                    std::mem::transmute::<__m256bh, __m256i>(rounded),
                );
                continue;
            }
            let all: [f32; LANES / 2] = std::mem::transmute(rounded);
            to.copy_from_slice(&all[..to.len()]);
        }
    }
}
