//! Levels of vector instructions: detection, the cap set by the environment, dispatch.

use std::{env, sync::OnceLock};

use crate::lanes::{LanesWork, scalar::Scalar};
#[cfg(target_arch = "x86_64")]
use crate::{
    lanes::{avx2::Avx2, avx512::Avx512},
    x86,
};

/// Environment variable that caps [`Level::detected`], by the name of a level.
const VARIABLE: &str = "ACTIVE_INDEX_SIMD";

/// Vector instructions that the processor has.
///
/// Values come from the detection alone, so that a kernel which takes a level may rely on its instructions. Levels
/// are ordered: a higher one has all instructions of the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Tier);

/// Instruction set of a [`Level`], to match on.
///
/// A tier by itself proves nothing; the one that [`Level::tier`] returns is present on the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Plain Rust for the baseline of the architecture.
    Scalar,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512F beside AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512F,
    /// AVX-512 F, BW, DQ, VL, VNNI, VPOPCNTDQ and VBMI beside AVX2 and FMA (Ice Lake, Zen 4 and later).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Plain Rust, the specification of every kernel.
    pub const SCALAR: Self = Self(Tier::Scalar);

    /// Returns the highest level of the processor up to the one that `ACTIVE_INDEX_SIMD` names. The variable is read
    /// once; a name that is unknown is ignored.
    pub fn detected() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| Self::capped(env::var(VARIABLE).ok().as_deref()))
    }

    /// Returns all levels of the processor, lowest first.
    pub fn available() -> Vec<Self> {
        Tier::ALL.iter().filter(|tier| tier.is_detected()).map(|&tier| Self(tier)).collect()
    }

    /// Name of the level: `scalar`, `avx2`, `avx512f` or `avx512`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Instruction set of the level, for kernels that are written for one.
    #[inline(always)]
    pub fn tier(self) -> Tier {
        self.0
    }

    /// Highest level of the processor up to the named one.
    fn capped(name: Option<&str>) -> Self {
        let cap = Tier::ALL.iter().find(|tier| Some(tier.name()) == name);
        let is_allowed = |level: &Self| cap.is_none_or(|&cap| level.0 <= cap);
        Self::available().into_iter().rfind(is_allowed).unwrap_or(Self::SCALAR)
    }

    /// Runs `work`, compiled for this level.
    ///
    /// The compiler uses the level's instructions in code that is inlined into `work`, so that closures need
    /// `#[inline(always)]`. Floating-point results have the same bits at every level: rustc neither contracts
    /// `a * b + c` to a fused operation nor reorders sums, even where FMA is enabled.
    #[inline(always)]
    pub fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self.0 {
            Tier::Scalar => work(),
            // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => unsafe { x86::avx2::run(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512F => unsafe { x86::avx512f::run(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => unsafe { x86::avx512::run(work) },
        }
    }

    /// Runs `work` on the registers of this level.
    #[inline(always)]
    pub fn with_lanes(self, work: impl LanesWork) {
        match self.0 {
            Tier::Scalar => work.run::<Scalar>(),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => self.run(
                #[inline(always)]
                || work.run::<Avx2>(),
            ),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512F | Tier::Avx512 => self.run(
                #[inline(always)]
                || work.run::<Avx512>(),
            ),
        }
    }
}

impl Tier {
    #[cfg(target_arch = "x86_64")]
    const ALL: &[Self] = &[Self::Scalar, Self::Avx2, Self::Avx512F, Self::Avx512];
    #[cfg(not(target_arch = "x86_64"))]
    const ALL: &[Self] = &[Self::Scalar];

    fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512F => "avx512f",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }

    fn is_detected(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2::is_detected(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512F => x86::avx512f::is_detected(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => x86::avx512::is_detected(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_only_lowers_the_level() {
        let available = Level::available();
        assert_eq!(available[0], Level::SCALAR);
        assert!(available.is_sorted());
        let highest = available[available.len() - 1];
        assert_eq!(Level::capped(None), highest);
        assert_eq!(Level::capped(Some("mmx")), highest);
        assert_eq!(Level::capped(Some("scalar")), Level::SCALAR);
        for level in available {
            assert_eq!(Level::capped(Some(level.name())), level);
        }
    }

    #[test]
    fn plain_rust_has_the_same_bits_at_every_level() {
        let values: Vec<f32> = (0..100).map(|i| (i as f32).sqrt()).collect();
        let work = |values: &[f32]| values.iter().map(|x| x * 1.1 + 0.3 / (x + 0.7)).collect::<Vec<f32>>();
        let expected = work(&values);
        for level in Level::available() {
            let found = level.run(
                #[inline(always)]
                || work(&values),
            );
            assert_eq!(found, expected, "{}", level.name());
        }
    }
}
