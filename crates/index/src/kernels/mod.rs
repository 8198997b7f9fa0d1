//! Numeric kernels at every level of vector instructions, and the only `unsafe` code of the crate.
//!
//! `scalar.rs` is the specification and the default on every architecture. Higher levels give the same bits,
//! except [`F32Panels::products`], which states its bound. Kernels run on the calling thread; callers divide
//! the work.

mod bounds;
mod distance;
mod f32_panels;
pub(crate) mod fast_scan;
pub(crate) mod hamming;
mod int8_panels;
mod mapped_file;
pub(crate) mod packing;
mod pq_scan;
mod prefetch;
mod scalar;
pub(crate) mod sq8;
#[cfg(test)]
mod tests;
mod threshold;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

pub(crate) use bounds::{BoundTerms, BoundWeights, argmin, lower_bounds, minima_of};
pub(crate) use distance::{Form, many, many_bytes, one};
pub(crate) use f32_panels::F32Panels;
pub(crate) use int8_panels::{Int8Panels, Int8Queries};
pub(crate) use mapped_file::Map;
pub(crate) use pq_scan::{pq8_scan, table_add};
pub(crate) use prefetch::prefetch;
pub(crate) use threshold::below;

/// Environment variable that caps the level: `scalar`, `avx2` or `avx512`.
const VARIABLE: &str = "ACTIVE_INDEX_SIMD";

/// Level of vector instructions that this processor supports. Only [`Tier::usable`] constructs one, which
/// keeps the kernels safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Level(Tier);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Plain Rust, the specification.
    pub const SCALAR: Self = Self(Tier::Scalar);

    /// Highest level of this processor that the environment allows, detected once.
    pub fn detected() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| Self::allowed(std::env::var(VARIABLE).ok().as_deref()))
    }

    /// All levels of this processor, ascending.
    pub fn available() -> Vec<Self> {
        Tier::ALL.iter().filter(|tier| tier.usable()).map(|&tier| Self(tier)).collect()
    }

    /// Name of the level: `scalar`, `avx2` or `avx512`.
    #[cfg(test)]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Highest level up to the named one; an unknown name is ignored.
    fn allowed(name: Option<&str>) -> Self {
        let limit = Tier::ALL.iter().find(|tier| Some(tier.name()) == name);
        let within = |level: &Self| limit.is_none_or(|&limit| level.0 <= limit);
        Self::available().into_iter().rfind(within).unwrap_or(Self::SCALAR)
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

/// Calls the kernel of the given name at a level.
macro_rules! dispatch {
    ($level:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $level.0 {
            crate::kernels::Tier::Scalar => crate::kernels::scalar::$kernel($($argument),*),
            // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            crate::kernels::Tier::Avx2 => unsafe { crate::kernels::x86::avx2::$kernel($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            crate::kernels::Tier::Avx512 => unsafe { crate::kernels::x86::avx512::$kernel($($argument),*) },
        }
    };
}
use dispatch;
