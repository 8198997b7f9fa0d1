//! Register tiles in AVX512-BF16: the tiles of [`super::avx512`], two products at a time.

use std::arch::x86_64::{
    __m256bh, __m256i, __m512, __m512bh, _mm256_storeu_si256, _mm512_castps_si512, _mm512_cvtneps_pbh,
    _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
};

use simd::LANES;

use super::{
    avx512::{COLUMNS, finish, first_lanes},
    tile::{Tile, WIDTH},
};

/// Computes tiles one after the other.
///
/// # Safety
/// That of [`Tile`], whose values are pairs of bf16.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
pub(super) unsafe fn compute<'a>(tiles: impl Iterator<Item = Tile<'a>>) {
    for tile in tiles {
        // SAFETY: the caller's.
        unsafe { by_rows!(tile, compute_rows) }
    }
}

/// Computes a tile of `R` rows.
///
/// # Safety
/// That of [`compute`].
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
unsafe fn compute_rows<const R: usize>(tile: &Tile<'_>) {
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

/// Returns the same bits as pairs of bf16.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
fn pairs(register: __m512) -> __m512bh {
    // SAFETY: both are 64 bytes of any value.
    unsafe { std::mem::transmute(_mm512_castps_si512(register)) }
}

/// Rounds values to bf16 and stores them in pairs, each in the place of one float; an odd last value is paired with
/// 0.
///
/// # Safety
/// `to` holds half as many values as `values`, rounded up.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
pub(super) unsafe fn round(values: &[f32], to: &mut [f32]) {
    let chunks = values.chunks(LANES).zip(to.chunks_mut(LANES / 2));
    for (values, to) in chunks {
        // SAFETY: the mask covers no more values than there are; eight floats hold sixteen bf16.
        unsafe {
            let lanes = first_lanes(values.len());
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
