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

pub(crate) use bounds::{BoundTerms, BoundWeights, argmin, lower_bounds, minima_of};
pub(crate) use distance::{Form, many, many_bytes, one};
pub(crate) use f32_panels::F32Panels;
pub(crate) use int8_panels::{Int8Panels, Int8Queries};
pub(crate) use mapped_file::Map;
pub(crate) use pq_scan::{pq8_scan, table_add};
pub(crate) use prefetch::prefetch;
pub(crate) use threshold::below;

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
use dispatch;
