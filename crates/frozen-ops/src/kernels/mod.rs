//! Register tiles of the matrix product, by instruction set.
//!
//! Every level computes the same sums in the same order. Levels above [`Level::SCALAR`] fuse multiplications and
//! additions, so that a sum of `K` products differs from the scalar one by at most `K * 2^-23` of the sum of their
//! magnitudes.

/// Calls `$compute::<R>` for the number of rows of a tile, with lanes `$lanes` where they are given.
macro_rules! by_rows {
    ($tile:expr, $compute:ident $(, $lanes:ident)?) => {
        match $tile.count {
            crate::kernels::tile::ROWS => $compute::<$($lanes,)? { crate::kernels::tile::ROWS }>(&$tile),
            5 => $compute::<$($lanes,)? 5>(&$tile),
            4 => $compute::<$($lanes,)? 4>(&$tile),
            3 => $compute::<$($lanes,)? 3>(&$tile),
            2 => $compute::<$($lanes,)? 2>(&$tile),
            _ => $compute::<$($lanes,)? 1>(&$tile),
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod strips;
mod tile;

use simd::{Bf16, Level, Tier};

pub(crate) use tile::{Epilogue, ROWS, Tile, WIDTH};

/// Computes register tiles one after the other.
///
/// # Safety
/// That of [`Tile`].
pub(crate) unsafe fn compute<'a>(level: Level, tiles: impl Iterator<Item = Tile<'a>>) {
    match level.tier() {
        // SAFETY: the caller's; a `Level` of this tier exists only where the processor has its instructions.
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512F | Tier::Avx512 => unsafe { avx512::compute(tiles) },
        #[cfg(target_arch = "x86_64")]
        Tier::Scalar | Tier::Avx2 => level.with_lanes(unsafe { strips::Tiles::new(tiles) }),
        // SAFETY: the caller's.
        #[cfg(not(target_arch = "x86_64"))]
        Tier::Scalar => level.with_lanes(unsafe { strips::Tiles::new(tiles) }),
    }
}

/// Computes register tiles of pairs of bf16 one after the other, with sums in float32.
///
/// # Safety
/// That of [`Tile`], whose values are pairs of bf16.
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe fn compute_bf16<'a>(_: Bf16, tiles: impl Iterator<Item = Tile<'a>>) {
    // SAFETY: the caller's; a `Bf16` exists only where the processor has its instructions.
    unsafe { avx512_bf16::compute(tiles) };
}

/// Rounds values to bf16 and stores them in pairs, each in the place of one float; an odd last value is paired with
/// 0.
///
/// # Panics
/// If `pairs` does not hold half as many values, rounded up.
#[cfg(target_arch = "x86_64")]
pub(crate) fn round_to_bf16(_: Bf16, values: &[f32], pairs: &mut [f32]) {
    assert_eq!(pairs.len(), values.len().div_ceil(2), "pairs");
    // SAFETY: the lengths were checked; a `Bf16` exists only where the processor has its instructions.
    unsafe { avx512_bf16::round(values, pairs) };
}

/// Does nothing: no other architecture has a [`Bf16`].
///
/// # Safety
/// None is needed.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn compute_bf16<'a>(_: Bf16, _tiles: impl Iterator<Item = Tile<'a>>) {}

/// Does nothing: no other architecture has a [`Bf16`].
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn round_to_bf16(_: Bf16, _values: &[f32], _pairs: &mut [f32]) {}
