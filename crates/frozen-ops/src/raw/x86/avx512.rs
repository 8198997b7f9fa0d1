//! AVX-512F: four registers hold a row's 64 columns, 24 a tile's sums.

use std::arch::x86_64::{
    __m512, __mmask16, _CMP_GT_OQ, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_cmp_ps_mask,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_set1_ps,
    _mm512_setzero_ps,
};

use crate::raw::tile::{Finish, Tile, WIDTH};

/// Lanes of a register.
pub(super) const LANES: usize = 16;
pub(super) const COLUMNS: usize = WIDTH / LANES;

pub(crate) fn usable() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma")
}

/// # Safety
///
/// The processor has AVX-512F.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(crate) unsafe fn run<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// # Safety
///
/// The processor has AVX-512F; that of [`Tile`].
#[target_feature(enable = "avx512f,avx2,fma")]
pub(crate) unsafe fn tiles<'a>(tiles: impl Iterator<Item = Tile<'a>>) {
    for tile in tiles {
        // SAFETY: the caller's.
        unsafe { by_rows!(tile, compute) }
    }
}

/// # Safety
///
/// As above, with `R` rows.
#[target_feature(enable = "avx512f,avx2,fma")]
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

/// Stores a row of sums as [`super::super::tile::Finish`] says.
///
/// # Safety
///
/// That of [`Tile`].
#[inline]
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn finish(tile: &Tile<'_>, row: usize, sums: [__m512; COLUMNS]) {
    let Finish { bias, onto, relu, kept, signs } = tile.finish;
    let (out, kept, signs, zero) = (tile.out[row], kept[row], signs[row], _mm512_setzero_ps());
    for (j, mut sum) in sums.into_iter().enumerate() {
        let start = j * LANES;
        let lanes = lanes_below(tile.width.saturating_sub(start));
        // SAFETY: lanes beyond the width are not touched; the caller's.
        unsafe {
            if !bias.is_null() {
                sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes, bias.wrapping_add(start)));
            }
            if onto {
                sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes, out.wrapping_add(start)));
            }
            if relu {
                sum = _mm512_max_ps(sum, zero);
            }
            if !kept.is_null() && start < tile.width {
                sum = _mm512_maskz_mov_ps(kept.add(j).read_unaligned(), sum);
            }
            if !signs.is_null() && start < tile.width {
                let positive = _mm512_mask_cmp_ps_mask::<_CMP_GT_OQ>(lanes, sum, zero);
                signs.add(j).write_unaligned(positive);
            }
            _mm512_mask_storeu_ps(out.wrapping_add(start), lanes, sum);
        }
    }
}

/// The first `count` lanes, or all.
#[inline(always)]
pub(super) fn lanes_below(count: usize) -> __mmask16 {
    if count >= LANES { !0 } else { (1 << count) - 1 }
}
