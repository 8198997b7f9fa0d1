//! Every `unsafe` block of this crate: kernels in the processor's vector instructions, each beside the scalar
//! code that specifies it.

pub(crate) mod fast_scan;

/// The vector instructions that a kernel may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// None: plain Rust.
    Scalar,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Level {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            match (avx512, avx2) {
                (true, true) => return Self::Avx512,
                (false, true) => return Self::Avx2,
                _ => {}
            }
        }
        Self::Scalar
    }
}
