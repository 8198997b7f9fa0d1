//! Choice of the kernel that belongs to a level of vector instructions.

/// Calls the kernel of the given name at a level.
macro_rules! dispatch {
    ($level:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $level.tier() {
            simd::Tier::Scalar => crate::kernels::scalar::$kernel($($argument),*),
            // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            simd::Tier::Avx2 | simd::Tier::Avx512F => unsafe { crate::kernels::x86::avx2::$kernel($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            simd::Tier::Avx512 => unsafe { crate::kernels::x86::avx512::$kernel($($argument),*) },
        }
    };
}
pub(super) use dispatch;
