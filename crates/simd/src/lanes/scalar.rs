//! Lanes as an array: the specification.

use std::ops::{Add, Mul, Sub};

use super::{LANES, Lanes, Sealed};

/// Lanes in memory.
#[derive(Clone, Copy)]
pub struct Scalar([f32; LANES]);

impl Scalar {
    #[inline(always)]
    fn zip(mut self, other: Self, combine: impl Fn(f32, f32) -> f32) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = combine(*a, b));
        self
    }
}

impl Sealed for Scalar {}

impl Add for Scalar {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Scalar {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Scalar {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Lanes for Scalar {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn from_array(values: &[f32; LANES]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    fn from_integers(values: &[i32; LANES]) -> Self {
        Self(values.map(|value| value as f32))
    }

    #[inline(always)]
    fn write(self, values: &mut [f32; LANES]) {
        *values = self.0;
    }

    #[inline(always)]
    unsafe fn load(values: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller's.
        unsafe { values.copy_to_nonoverlapping(lanes.as_mut_ptr(), count) };
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn store(self, values: *mut f32, count: usize) {
        // SAFETY: the caller's.
        unsafe { self.0.as_ptr().copy_to_nonoverlapping(values, count) };
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self * factor + term
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Self(self.0.map(|a| if a > 0.0 { a } else { 0.0 }))
    }

    #[inline(always)]
    fn masked(mut self, mask: u16) -> Self {
        let lanes = self.0.iter_mut().enumerate();
        lanes.filter(|(i, _)| mask >> i & 1 == 0).for_each(|(_, lane)| *lane = 0.0);
        self
    }

    #[inline(always)]
    fn positive_mask(self) -> u16 {
        self.0.iter().enumerate().map(|(i, &lane)| u16::from(lane > 0.0) << i).sum()
    }
}
