//! A register of AVX-512.

use std::arch::x86_64::{
    __m512, _CMP_GT_OQ, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::avx512::lanes_below;
use crate::raw::lanes::{LANES, Lanes};

#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

// SAFETY of all methods: the type is named only where the processor has AVX-512F, see `Lanes`; what is read and written
// is the caller's.
impl Lanes for Avx512 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(values: *const f32, count: usize) -> Self {
        // SAFETY: above.
        Self(unsafe {
            if count == LANES {
                _mm512_loadu_ps(values)
            } else {
                _mm512_maskz_loadu_ps(lanes_below(count), values)
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
                _mm512_mask_storeu_ps(values, lanes_below(count), self.0);
            }
        }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn plus_scaled(self, other: Self, factor: f32) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_fmadd_ps(_mm512_set1_ps(factor), other.0, self.0) })
    }

    #[inline(always)]
    fn positive(self) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_max_ps(self.0, _mm512_setzero_ps()) })
    }

    #[inline(always)]
    fn keep(self, word: u16) -> Self {
        // SAFETY: above.
        Self(unsafe { _mm512_maskz_mov_ps(word, self.0) })
    }

    #[inline(always)]
    fn signs(self) -> u16 {
        // SAFETY: above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps()) }
    }
}
