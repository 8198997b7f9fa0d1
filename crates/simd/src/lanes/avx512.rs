//! Lanes in a register of AVX-512.

use std::{
    arch::x86_64::{
        __m512, __mmask16, _CMP_GT_OQ, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
        _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps, _mm512_sub_ps,
    },
    ops::{Add, Mul, Sub},
};

use super::{LANES, Lanes, Sealed};

/// All lanes.
#[derive(Clone, Copy)]
pub struct Avx512(__m512);

// SAFETY of all methods: `Level::with_lanes` alone names the type, where the processor has AVX-512F; readable and
// writable memory is the caller's obligation.

impl Sealed for Avx512 {}

impl Add for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
}

impl Sub for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
}

impl Mul for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
}

impl Lanes for Avx512 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn from_array(values: &[f32; LANES]) -> Self {
        // SAFETY: above; these are the 16 floats that the load reads.
        Self(unsafe { _mm512_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn from_integers(values: &[i32; LANES]) -> Self {
        // SAFETY: above; these are the 16 integers that the load reads.
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_loadu_si512(values.as_ptr().cast())) })
    }

    #[inline(always)]
    fn write(self, values: &mut [f32; LANES]) {
        // SAFETY: above; these are the 16 floats that the store writes.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self.0) };
    }

    #[inline(always)]
    unsafe fn load(values: *const f32, count: usize) -> Self {
        // SAFETY: above.
        Self(unsafe {
            if count == LANES {
                _mm512_loadu_ps(values)
            } else {
                _mm512_maskz_loadu_ps(first_lanes(count), values)
            }
        })
    }

    #[inline(always)]
    unsafe fn store(self, values: *mut f32, count: usize) {
        // SAFETY: above.
        unsafe {
            if count == LANES {
                _mm512_storeu_ps(values, self.0);
            } else {
                _mm512_mask_storeu_ps(values, first_lanes(count), self.0);
            }
        }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_max_ps(self.0, _mm512_setzero_ps()) })
    }

    #[inline(always)]
    fn masked(self, mask: u16) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_maskz_mov_ps(mask, self.0) })
    }

    #[inline(always)]
    fn positive_mask(self) -> u16 {
        // SAFETY: above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps()) }
    }
}

/// Mask of the first `count` lanes, or of all.
#[inline(always)]
fn first_lanes(count: usize) -> __mmask16 {
    if count >= LANES { !0 } else { (1 << count) - 1 }
}
