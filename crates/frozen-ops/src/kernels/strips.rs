//! Register tiles over lanes, in strips of [`LANES`] columns: the sums of a strip take 12 of the 16 registers of
//! AVX2. The scalar level runs the same code and is the specification.

use simd::{LANES, Lanes, LanesWork};

use super::tile::{Epilogue, Tile, WIDTH};

/// Rows of the panel that are prefetched: a strip reads one cache line in four, which no processor predicts.
const AHEAD: usize = 16;

/// Tiles to compute one after the other.
pub(super) struct Tiles<I>(I);

impl<'a, I: Iterator<Item = Tile<'a>>> Tiles<I> {
    /// Takes tiles to compute.
    ///
    /// # Safety
    /// That of [`Tile`].
    pub unsafe fn new(tiles: I) -> Self {
        Self(tiles)
    }
}

impl<'a, I: Iterator<Item = Tile<'a>>> LanesWork for Tiles<I> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for tile in self.0 {
            // SAFETY: that of `Tiles::new`.
            unsafe { by_rows!(tile, compute, L) }
        }
    }
}

/// Computes a tile of `R` rows.
///
/// # Safety
/// That of [`Tile`].
#[inline(always)]
unsafe fn compute<L: Lanes, const R: usize>(tile: &Tile<'_>) {
    for first in (0..tile.width).step_by(LANES) {
        // SAFETY: the caller's; the panel has `WIDTH` columns, a multiple of the lanes.
        let sums = unsafe { strip_sums::<L, R>(tile, first) };
        for (row, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { finish(tile, row, first, sum) };
        }
    }
}

/// Sums of products in the [`LANES`] columns from `first` on.
///
/// # Safety
/// That of [`Tile`]; `first + LANES <= WIDTH`.
#[inline(always)]
unsafe fn strip_sums<L: Lanes, const R: usize>(tile: &Tile<'_>, first: usize) -> [L; R] {
    let mut sums = [L::splat(0.0); R];
    let mut panel = tile.panel.wrapping_add(first);
    for run in tile.runs {
        for i in 0..tile.k {
            prefetch(panel.wrapping_add(AHEAD * WIDTH));
            // SAFETY: the caller's.
            let b = unsafe { L::load(panel, LANES) };
            for row in 0..R {
                // SAFETY: the caller's.
                let a = L::splat(unsafe { *run[row].add(i) });
                sums[row] = a.mul_add(b, sums[row]);
            }
            panel = panel.wrapping_add(WIDTH);
        }
    }
    sums
}

/// Requests a cache line, at any address.
#[inline(always)]
fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch accesses no memory.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Applies the epilogue to the sums of one row in the columns from `first` on, and stores them.
///
/// # Safety
/// That of [`Tile`]; `first` is below the width, and a multiple of [`LANES`].
#[inline(always)]
unsafe fn finish<L: Lanes>(tile: &Tile<'_>, row: usize, first: usize, mut sums: L) {
    let Epilogue { bias, accumulate, relu, mask, mask_out } = tile.epilogue;
    let width = (tile.width - first).min(LANES);
    let out = tile.out[row].wrapping_add(first);
    let (mask, mask_out) = (mask[row], mask_out[row]);
    // SAFETY: the caller's.
    unsafe {
        if !bias.is_null() {
            sums = sums + L::load(bias.add(first), width);
        }
        if accumulate {
            sums = sums + L::load(out, width);
        }
        if relu {
            sums = sums.relu();
        }
        if !mask.is_null() {
            sums = sums.masked(mask.add(first / LANES).read());
        }
        if !mask_out.is_null() {
            mask_out.add(first / LANES).write(sums.positive_mask());
        }
        sums.store(out, width);
    }
}
