//! Prefetching of memory.

/// Prefetches values into the first-level cache.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn prefetch<T>(values: &[T]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    const LINE: usize = 64;
    let start = values.as_ptr().cast::<i8>();
    for offset in (0..size_of_val(values)).step_by(LINE) {
        // SAFETY: the instruction is in the baseline, and a fetch never faults nor changes memory.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset)) };
    }
}

/// Does nothing; the hardware prefetches by itself.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn prefetch<T>(_values: &[T]) {}
