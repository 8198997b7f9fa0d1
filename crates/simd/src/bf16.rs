//! Dot products of bf16.

use crate::level::Level;

/// Proof that the processor has dot products of pairs of bf16 (AVX512-BF16) beside [`Tier::Avx512F`].
///
/// [`Tier::Avx512F`]: crate::Tier
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bf16(());

impl Bf16 {
    /// Returns the proof, or `None` where the instructions are missing or [`Level::detected`] is capped below them.
    pub fn detected() -> Option<Self> {
        is_detected(Level::detected()).then_some(Self(()))
    }
}

#[cfg(target_arch = "x86_64")]
fn is_detected(level: Level) -> bool {
    level.tier() >= crate::level::Tier::Avx512F && std::arch::is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn is_detected(_: Level) -> bool {
    false
}
