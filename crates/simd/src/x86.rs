//! Instruction sets of x86-64: one list for the detection of each and for the code compiled for it.

/// Defines the detection of instructions, and a function that runs work compiled for them.
macro_rules! instruction_set {
    ($($feature:tt),+) => {
        /// Returns whether the processor has all instructions of the set.
        pub fn is_detected() -> bool {
            $(std::arch::is_x86_feature_detected!($feature))&&+
        }

        /// Runs `work`, compiled for the set where it is inlined.
        $(#[target_feature(enable = $feature)])+
        pub fn run<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
    };
}

/// AVX2 with fused multiply-add.
pub(crate) mod avx2 {
    instruction_set!("avx2", "fma");
}

/// The foundation of AVX-512.
pub(crate) mod avx512f {
    instruction_set!("avx2", "fma", "avx512f");
}

/// AVX-512 with instructions for bytes, words, bits and int8 products.
pub(crate) mod avx512 {
    instruction_set!(
        "avx2",
        "fma",
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512vnni",
        "avx512vpopcntdq",
        "avx512vbmi"
    );
}
