//! Prefetching of memory.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// Prefetches values into the first-level cache.
#[inline]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    prefetch_as::<_MM_HINT_T0, T>(values);
    // Elsewhere the hardware prefetches by itself.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Prefetches values into the second-level cache, which waits for more lines at once than the first level.
#[inline]
pub fn prefetch_second_level<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    prefetch_as::<_MM_HINT_T1, T>(values);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch_as<const HINT: i32, T>(values: &[T]) {
    const LINE: usize = 64;
    let start = values.as_ptr().cast::<i8>();
    for offset in (0..size_of_val(values)).step_by(LINE) {
        // SAFETY: the instruction is in the baseline, and a fetch never faults nor changes memory.
        unsafe { _mm_prefetch::<HINT>(start.wrapping_add(offset)) };
    }
}
