//! Sixteen float32 values in the registers of a level: code over lanes is written once for all levels.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod scalar;

use std::ops::{Add, Mul, Sub};

/// Number of lanes: a cache line of float32, one bit each in a `u16`.
pub const LANES: usize = 16;

/// Keeps implementors inside the crate.
pub(crate) trait Sealed {}

/// [`LANES`] float32 values, computed lane by lane.
///
/// Types with this trait cannot be named outside of the crate. [`Level::with_lanes`] alone hands them out, where the
/// processor has their instructions, which makes the safe methods safe.
///
/// Results have the same bits at every level, but for [`Self::mul_add`].
///
/// [`Level::with_lanes`]: crate::Level::with_lanes
#[expect(private_bounds, reason = "the bound seals the trait")]
pub trait Lanes: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Sealed {
    /// Returns `value` in every lane.
    fn splat(value: f32) -> Self;

    /// Loads an array.
    fn from_array(values: &[f32; LANES]) -> Self;

    /// Loads integers, each converted to the nearest float32.
    fn from_integers(values: &[i32; LANES]) -> Self;

    /// Stores all lanes.
    fn write(self, values: &mut [f32; LANES]);

    /// Loads the first `count` lanes, at most [`LANES`]; the others are 0. Any alignment.
    ///
    /// # Safety
    /// `values` is readable for `count` floats.
    unsafe fn load(values: *const f32, count: usize) -> Self;

    /// Stores the first `count` lanes, at most [`LANES`]. Any alignment.
    ///
    /// # Safety
    /// `values` is writable for `count` floats.
    unsafe fn store(self, values: *mut f32, count: usize);

    /// Returns `self * factor + term`, rounded once where the level has fused multiply-add and twice at
    /// [`Level::SCALAR`](crate::Level::SCALAR).
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// Returns `self + factor * other`, by [`Self::mul_add`].
    #[inline(always)]
    fn add_scaled(self, factor: f32, other: Self) -> Self {
        other.mul_add(Self::splat(factor), self)
    }

    /// Returns `self` where it is below `other`, and `other` elsewhere.
    fn min(self, other: Self) -> Self;

    /// Returns the lanes that are above 0, and 0 in the others.
    fn relu(self) -> Self;

    /// Returns the lanes whose bit is set, and 0 in the others.
    fn masked(self, mask: u16) -> Self;

    /// Returns a mask of the lanes that are above 0.
    fn positive_mask(self) -> u16;
}

/// Work that is written once over [`Lanes`].
pub trait LanesWork {
    /// Does the work in registers `L`. Needs `#[inline(always)]` to be compiled for their level.
    fn run<L: Lanes>(self);
}

#[cfg(test)]
mod tests {
    use std::{array, sync::Mutex};

    use super::*;
    use crate::Level;

    const A: [f32; LANES] = [
        1.5,
        -2.0,
        0.0,
        -0.0,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e-45,
        -1e-45,
        3.25,
        7.0,
        -0.1,
        1e30,
        -1e30,
        0.3,
        2.0,
    ];
    const B: [f32; LANES] =
        [2.5, -3.0, -0.0, 0.0, 1.0, f32::NAN, 4.0, 1e-45, 0.5, 3.25, -7.0, 0.2, 1e30, -1e30, 0.7, 1.0];
    const INTEGERS: [i32; LANES] =
        [0, 1, -1, 7, 16_777_217, i32::MAX, i32::MIN, 255, -128, 3, 4, 5, 6, 7, 8, 9];
    const MASK: u16 = 0b1010_0110_1111_0001;

    /// Every operation, as bits.
    #[derive(Default, PartialEq)]
    struct Results {
        lanes: Vec<[u32; LANES]>,
        positive: u16,
    }

    struct Operations<'a>(&'a Mutex<Results>);

    impl LanesWork for Operations<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self) {
            let (a, b) = (L::from_array(&A), L::from_array(&B));
            let all = [
                L::splat(-2.5),
                L::from_integers(&INTEGERS),
                a + b,
                a - b,
                a * b,
                a.min(b),
                a.relu(),
                a.masked(MASK),
                // Exact products, so that one rounding or two are the same.
                a.mul_add(L::splat(-4.0), b),
                a.add_scaled(2.0, b),
            ];
            let mut results = self.0.lock().expect("one thread");
            results.positive = a.positive_mask();
            results.lanes = all.map(bits).into();
            for count in 0..=LANES {
                let mut out = [7.0; LANES];
                // SAFETY: both arrays have 16 values.
                unsafe { L::load(A.as_ptr(), count).store(out.as_mut_ptr(), count) };
                results.lanes.push(out.map(f32::to_bits));
                // SAFETY: as above.
                results.lanes.push(bits(unsafe { L::load(A.as_ptr(), count) }));
            }
        }
    }

    /// Bits of all lanes; those of all NaN are one.
    fn bits<L: Lanes>(lanes: L) -> [u32; LANES] {
        let mut out = [0.0; LANES];
        lanes.write(&mut out);
        out.map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() })
    }

    fn results(level: Level) -> Results {
        let results = Mutex::default();
        level.with_lanes(Operations(&results));
        results.into_inner().expect("one thread")
    }

    #[test]
    fn lanes_have_the_same_bits_at_every_level() {
        let expected = results(Level::SCALAR);
        for level in Level::available() {
            assert!(results(level) == expected, "{}", level.name());
        }
    }

    #[test]
    fn scalar_lanes_are_those_of_float32() {
        let found = results(Level::SCALAR);
        let smaller = array::from_fn(|i| if A[i] < B[i] { A[i] } else { B[i] }.to_bits());
        assert_eq!(found.lanes[5], smaller);
        assert_eq!(found.lanes[1], INTEGERS.map(|i| (i as f32).to_bits()));
        assert_eq!(found.positive, (0..LANES).map(|i| u16::from(A[i] > 0.0) << i).sum());
        let masked = array::from_fn(|i| if MASK >> i & 1 == 1 { A[i].to_bits() } else { 0 });
        assert_eq!(found.lanes[7], masked);
    }
}
