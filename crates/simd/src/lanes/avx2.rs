//! Lanes in two registers of AVX2.

use std::{
    arch::x86_64::{
        __m256, _CMP_GT_OQ, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_castsi256_ps,
        _mm256_cmp_ps, _mm256_cmpeq_epi32, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_loadu_si256, _mm256_max_ps, _mm256_min_ps, _mm256_movemask_ps, _mm256_mul_ps,
        _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_storeu_ps,
        _mm256_sub_ps,
    },
    ops::{Add, Mul, Sub},
};

use super::{LANES, Lanes, Sealed};

/// Lanes of a register.
const HALF: usize = LANES / 2;

/// Lower and upper half of the lanes.
#[derive(Clone, Copy)]
pub struct Avx2([__m256; 2]);

// SAFETY of all methods: `Level::with_lanes` alone names the type, where the processor has AVX2 and FMA; readable and
// writable memory is the caller's obligation.

impl Sealed for Avx2 {}

impl Add for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn add(self, Self([c, d]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_add_ps(a, c), _mm256_add_ps(b, d)] })
    }
}

impl Sub for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, Self([c, d]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_sub_ps(a, c), _mm256_sub_ps(b, d)] })
    }
}

impl Mul for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, Self([c, d]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_mul_ps(a, c), _mm256_mul_ps(b, d)] })
    }
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: above.
        Self([unsafe { _mm256_set1_ps(value) }; 2])
    }

    #[inline(always)]
    fn from_array(values: &[f32; LANES]) -> Self {
        // SAFETY: above; the array has 16 values.
        unsafe { Self::load(values.as_ptr(), LANES) }
    }

    #[inline(always)]
    fn from_integers(values: &[i32; LANES]) -> Self {
        // SAFETY: above; these are the 16 integers that the loads read.
        unsafe {
            let [low, high] = [values.as_ptr(), values.as_ptr().add(HALF)];
            Self([low, high].map(
                #[inline(always)]
                |half| _mm256_cvtepi32_ps(_mm256_loadu_si256(half.cast())),
            ))
        }
    }

    #[inline(always)]
    fn write(self, values: &mut [f32; LANES]) {
        // SAFETY: above; the array has 16 places.
        unsafe { self.store(values.as_mut_ptr(), LANES) };
    }

    #[inline(always)]
    unsafe fn load(values: *const f32, count: usize) -> Self {
        let mut some = [0.0; LANES];
        // SAFETY: above.
        unsafe {
            let values = if count == LANES {
                values
            } else {
                values.copy_to_nonoverlapping(some.as_mut_ptr(), count);
                some.as_ptr()
            };
            Self([_mm256_loadu_ps(values), _mm256_loadu_ps(values.add(HALF))])
        }
    }

    #[inline(always)]
    unsafe fn store(self, values: *mut f32, count: usize) {
        let mut all = [0.0; LANES];
        let to = if count == LANES { values } else { all.as_mut_ptr() };
        // SAFETY: `to` has room for all lanes, `values` for `count`.
        unsafe {
            _mm256_storeu_ps(to, self.0[0]);
            _mm256_storeu_ps(to.add(HALF), self.0[1]);
            if count < LANES {
                all.as_ptr().copy_to_nonoverlapping(values, count);
            }
        }
    }

    #[inline(always)]
    fn mul_add(self, Self([c, d]): Self, Self([e, f]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_fmadd_ps(a, c, e), _mm256_fmadd_ps(b, d, f)] })
    }

    #[inline(always)]
    fn min(self, Self([c, d]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_min_ps(a, c), _mm256_min_ps(b, d)] })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        unsafe {
            let zero = _mm256_setzero_ps();
            Self([_mm256_max_ps(a, zero), _mm256_max_ps(b, zero)])
        }
    }

    #[inline(always)]
    fn masked(self, mask: u16) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        unsafe {
            let [low, high] = [lane_masks(mask & 0xff), lane_masks(mask >> HALF)];
            Self([_mm256_and_ps(a, low), _mm256_and_ps(b, high)])
        }
    }

    #[inline(always)]
    fn positive_mask(self) -> u16 {
        let Self([a, b]) = self;
        // SAFETY: above.
        unsafe {
            let zero = _mm256_setzero_ps();
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, zero)) as u16;
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(b, zero)) as u16;
            low | high << HALF
        }
    }
}

/// Returns all bits set in the lanes whose bit of `mask` is set.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn lane_masks(mask: u16) -> __m256 {
    // SAFETY: the caller's.
    unsafe {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        let found = _mm256_and_si256(_mm256_set1_epi32(i32::from(mask)), bits);
        _mm256_castsi256_ps(_mm256_cmpeq_epi32(found, bits))
    }
}
