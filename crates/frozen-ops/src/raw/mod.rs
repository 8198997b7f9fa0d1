//! All `unsafe` code: register tiles of the matrix product by level of vector instructions, and the output that
//! threads share, loops that they join.
//!
//! [`scalar`] is the specification. Every other level computes the same sums in the same order with fused
//! multiplications, so that a result of `K` products differs by at most `K * 2^-23` of the sum of their magnitudes.

mod bf16;
mod lanes;
mod pass;
mod pooled;
mod scalar;
mod shared;
mod threads;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

pub(crate) use bf16::Bf16;
pub(crate) use lanes::{LANES, Lanes, LanesWork};
pub(crate) use pass::Pass;
pub(crate) use pooled::Pooled;
pub(crate) use shared::Shared;
pub(crate) use tile::{Finish, ROWS, Tile, WIDTH};

/// The environment variable that lowers the level: `scalar`, `avx2` or `avx512`.
const VARIABLE: &str = "ACTIVE_INDEX_SIMD";

/// Vector instructions that this processor has. Only what it was found to have makes one, which keeps
/// the kernels safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Tier);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The specification, which every processor runs.
    pub const SCALAR: Self = Self(Tier::Scalar);

    /// The highest level of this processor that the environment variable `ACTIVE_INDEX_SIMD` allows, found once.
    pub fn detected() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| Self::allowed(std::env::var(VARIABLE).ok().as_deref()))
    }

    /// Every level of this processor, from the lowest to the highest.
    pub fn available() -> Vec<Self> {
        Tier::ALL.iter().filter(|tier| tier.usable()).map(|&tier| Self(tier)).collect()
    }

    /// `scalar`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The highest level up to the named one; an unknown name is ignored.
    fn allowed(name: Option<&str>) -> Self {
        let limit = Tier::ALL.iter().find(|tier| Some(tier.name()) == name);
        let within = |level: &Self| limit.is_none_or(|&limit| level.0 <= limit);
        Self::available().into_iter().rfind(within).unwrap_or(Self::SCALAR)
    }

    /// Runs `work`, compiled for this level.
    #[inline(always)]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self.0 {
            Tier::Scalar => work(),
            // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => unsafe { x86::avx2::run(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => unsafe { x86::avx512::run(work) },
        }
    }

    /// Does `work` in this level's registers.
    #[inline(always)]
    pub(crate) fn with_lanes(self, work: impl LanesWork) {
        match self.0 {
            Tier::Scalar => work.run::<lanes::Scalar>(),
            // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => unsafe {
                x86::avx2::run(
                    #[inline(always)]
                    || work.run::<x86::lanes256::Avx2>(),
                )
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => unsafe {
                x86::avx512::run(
                    #[inline(always)]
                    || work.run::<x86::lanes512::Avx512>(),
                )
            },
        }
    }

    /// Computes register tiles, one behind the other.
    ///
    /// # Safety
    ///
    /// That of [`Tile`].
    pub(crate) unsafe fn tiles<'a>(self, tiles: impl Iterator<Item = Tile<'a>>) {
        // SAFETY: the caller's; and a `Level` exists only where the processor has its instructions.
        unsafe {
            match self.0 {
                Tier::Scalar => scalar::tiles(tiles),
                #[cfg(target_arch = "x86_64")]
                Tier::Avx2 => x86::avx2::tiles(tiles),
                #[cfg(target_arch = "x86_64")]
                Tier::Avx512 => x86::avx512::tiles(tiles),
            }
        }
    }
}

impl Tier {
    #[cfg(target_arch = "x86_64")]
    const ALL: &[Self] = &[Self::Scalar, Self::Avx2, Self::Avx512];
    #[cfg(not(target_arch = "x86_64"))]
    const ALL: &[Self] = &[Self::Scalar];

    fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }

    fn usable(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2::usable(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => x86::avx512::usable(),
        }
    }
}
