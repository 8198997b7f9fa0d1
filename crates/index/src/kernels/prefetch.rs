//! Prefetching of memory.

/// Prefetches values into the first-level cache.
#[cfg(target_arch = "x86_64")]
pub(crate) fn prefetch(values: &[f32]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    const LINE: usize = 64 / size_of::<f32>();
    for line in values.chunks(LINE) {
        // SAFETY: the instruction is in the baseline, and a fetch never faults nor changes memory.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

/// Does nothing; the hardware prefetches by itself.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn prefetch(_values: &[f32]) {}
