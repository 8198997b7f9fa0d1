//! Register tiles in AVX-512F: four registers hold a row's 64 columns, 24 the sums of a tile.

use std::arch::x86_64::{
    __m512, __mmask16, _CMP_GT_OQ, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_cmp_ps_mask,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_set1_ps,
    _mm512_setzero_ps,
};

use simd::LANES;

use super::tile::{Epilogue, Tile, WIDTH};

/// Registers of a row.
pub(super) const COLUMNS: usize = WIDTH / LANES;

/// Computes tiles one after the other.
///
/// # Safety
/// That of [`Tile`].
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn compute<'a>(tiles: impl Iterator<Item = Tile<'a>>) {
    for tile in tiles {
        // SAFETY: the caller's.
        unsafe { by_rows!(tile, compute_rows) }
    }
}

/// Computes a tile of `R` rows.
///
/// # Safety
/// That of [`Tile`].
#[target_feature(enable = "avx512f,avx2,fma")]
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
                        *sum = _mm512_fmadd_ps(a, b, *sum);
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

/// Applies the epilogue to a row of sums, and stores them.
///
/// # Safety
/// That of [`Tile`].
#[inline]
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn finish(tile: &Tile<'_>, row: usize, sums: [__m512; COLUMNS]) {
    let Epilogue { bias, accumulate, relu, mask, mask_out } = tile.epilogue;
    let (out, mask, mask_out, zero) = (tile.out[row], mask[row], mask_out[row], _mm512_setzero_ps());
    for (j, mut sum) in sums.into_iter().enumerate() {
        let start = j * LANES;
        let lanes = first_lanes(tile.width.saturating_sub(start));
        // SAFETY: lanes beyond the width are not touched; the caller's.
        unsafe {
            if !bias.is_null() {
                sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes, bias.wrapping_add(start)));
            }
            if accumulate {
                sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes, out.wrapping_add(start)));
            }
            if relu {
                sum = _mm512_max_ps(sum, zero);
            }
            if !mask.is_null() && start < tile.width {
                sum = _mm512_maskz_mov_ps(mask.add(j).read_unaligned(), sum);
            }
            if !mask_out.is_null() && start < tile.width {
                let positive = _mm512_mask_cmp_ps_mask::<_CMP_GT_OQ>(lanes, sum, zero);
                mask_out.add(j).write_unaligned(positive);
            }
            _mm512_mask_storeu_ps(out.wrapping_add(start), lanes, sum);
        }
    }
}

/// Mask of the first `count` lanes, or of all.
#[inline(always)]
pub(super) fn first_lanes(count: usize) -> __mmask16 {
    if count >= LANES { !0 } else { (1 << count) - 1 }
}
