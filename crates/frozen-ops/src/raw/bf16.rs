//! Dot products of numbers rounded to bf16: 8 bits of mantissa, sums in single precision.

use super::tile::Tile;
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Level, Tier};

/// Dot products of bf16, which this processor has. Only what it was found to have makes one, which keeps the kernels
/// safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bf16(());

#[cfg(target_arch = "x86_64")]
impl Bf16 {
    /// `None` where the processor has none, or the level that is allowed is lower.
    pub fn detected() -> Option<Self> {
        let has = Level::detected().0 == Tier::Avx512 && x86::bf16::usable();
        has.then_some(Self(()))
    }

    /// As [`Level::tiles`], of pairs.
    ///
    /// # Safety
    ///
    /// That of [`Tile`], whose values are pairs of bf16.
    pub unsafe fn tiles<'a>(self, tiles: impl Iterator<Item = Tile<'a>>) {
        // SAFETY: the caller's; and a `Bf16` exists only where the processor has its instructions.
        unsafe { x86::bf16::tiles(tiles) };
    }

    /// Rounds values, two in the place of one; a single last one is followed by 0.
    ///
    /// # Panics
    ///
    /// If `to` does not hold half as many, rounded up.
    pub fn round(self, values: &[f32], to: &mut [f32]) {
        assert_eq!(to.len(), values.len().div_ceil(2), "pairs");
        // SAFETY: as was checked; as above.
        unsafe { x86::bf16::round(values, to) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Bf16 {
    /// No other processor is known.
    pub fn detected() -> Option<Self> {
        None
    }

    /// # Safety
    ///
    /// None: it is never called.
    pub unsafe fn tiles<'a>(self, _tiles: impl Iterator<Item = Tile<'a>>) {}

    pub fn round(self, _values: &[f32], _to: &mut [f32]) {}
}
