//! AVX2 and FMA: a tile is computed in four strips of 16 columns, whose sums take 12 of the 16 registers.

use std::arch::x86_64::{
    __m256, _MM_HINT_T0, _mm_prefetch, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
};

use super::lanes256::Avx2;
use crate::raw::tile::{Tile, WIDTH, finish};

/// Lanes of a register.
const LANES: usize = 8;
/// Registers of a strip.
const COLUMNS: usize = 2;
const STRIP: usize = LANES * COLUMNS;
/// Rows of the panel that are asked for ahead: a strip reads one line of cache in four, which no processor foresees.
const AHEAD: usize = 16;

pub(crate) fn usable() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// # Safety
///
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn run<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// # Safety
///
/// The processor has AVX2 and FMA; that of [`Tile`].
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn tiles<'a>(tiles: impl Iterator<Item = Tile<'a>>) {
    for tile in tiles {
        // SAFETY: the caller's.
        unsafe { by_rows!(tile, compute) }
    }
}

/// # Safety
///
/// As above, with `R` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn compute<const R: usize>(tile: &Tile<'_>) {
    for strip in (0..tile.width).step_by(STRIP) {
        // SAFETY: the caller's.
        let sums = unsafe { strip_sums::<R>(tile, strip) };
        for (row, sums) in sums.into_iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { finish(tile, row, strip, Avx2(sums)) };
        }
    }
}

/// # Safety
///
/// As above; `strip + STRIP <= WIDTH`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn strip_sums<const R: usize>(tile: &Tile<'_>, strip: usize) -> [[__m256; COLUMNS]; R] {
    let mut sums = [[_mm256_setzero_ps(); COLUMNS]; R];
    let mut panel = tile.panel.wrapping_add(strip);
    for run in tile.runs {
        let rows: [*const f32; R] = std::array::from_fn(|row| run[row]);
        for i in 0..tile.k {
            // SAFETY: the caller's; what is asked for ahead need not be there.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD * WIDTH).cast());
                let b: [__m256; COLUMNS] = std::array::from_fn(|j| _mm256_loadu_ps(panel.add(j * LANES)));
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let a = _mm256_set1_ps(*row.add(i));
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = _mm256_fmadd_ps(a, b, *sum);
                    }
                }
            }
            panel = panel.wrapping_add(WIDTH);
        }
    }
    sums
}
