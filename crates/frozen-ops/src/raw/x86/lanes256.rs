//! Two registers of AVX2.

use std::arch::x86_64::{
    __m256, _CMP_GT_OQ, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmp_ps,
    _mm256_cmpeq_epi32, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_movemask_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use crate::raw::lanes::{LANES, Lanes};

/// Lanes of a register.
const HALF: usize = LANES / 2;

#[derive(Clone, Copy)]
pub(crate) struct Avx2(pub(super) [__m256; 2]);

// SAFETY of all methods: the type is named only where the processor has AVX2 and FMA, see `Lanes`; what is read and
// written is the caller's.
impl Lanes for Avx2 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: above.
        Self([unsafe { _mm256_set1_ps(value) }; 2])
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
        // SAFETY: there are as many as lanes, or above.
        unsafe {
            _mm256_storeu_ps(to, self.0[0]);
            _mm256_storeu_ps(to.add(HALF), self.0[1]);
            if count < LANES {
                all.as_ptr().copy_to_nonoverlapping(values, count);
            }
        }
    }

    #[inline(always)]
    fn plus(self, Self([c, d]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_add_ps(a, c), _mm256_add_ps(b, d)] })
    }

    #[inline(always)]
    fn minus(self, Self([c, d]): Self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        Self(unsafe { [_mm256_sub_ps(a, c), _mm256_sub_ps(b, d)] })
    }

    #[inline(always)]
    fn plus_scaled(self, Self([c, d]): Self, factor: f32) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        unsafe {
            let factor = _mm256_set1_ps(factor);
            Self([_mm256_fmadd_ps(factor, c, a), _mm256_fmadd_ps(factor, d, b)])
        }
    }

    #[inline(always)]
    fn positive(self) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        unsafe {
            let zero = _mm256_setzero_ps();
            Self([_mm256_max_ps(a, zero), _mm256_max_ps(b, zero)])
        }
    }

    #[inline(always)]
    fn keep(self, word: u16) -> Self {
        let Self([a, b]) = self;
        // SAFETY: above.
        unsafe {
            let [low, high] = [set(word & 0xff), set(word >> HALF)];
            Self([_mm256_and_ps(a, low), _mm256_and_ps(b, high)])
        }
    }

    #[inline(always)]
    fn signs(self) -> u16 {
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

/// All bits of the lanes whose bit is set.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn set(word: u16) -> __m256 {
    // SAFETY: the caller's.
    unsafe {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        let found = _mm256_and_si256(_mm256_set1_epi32(i32::from(word)), bits);
        _mm256_castsi256_ps(_mm256_cmpeq_epi32(found, bits))
    }
}
