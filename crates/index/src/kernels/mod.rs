//! Numeric kernels at every level of vector instructions, and the only `unsafe` code of the crate.
//!
//! `scalar.rs` is the specification and the default on every architecture. Higher levels give the same bits,
//! except [`F32Panels::products`], which states its bound. Kernels run on the calling thread; callers divide
//! the work.

mod bounds;
mod dispatch;
mod distance;
mod f32_panels;
pub(crate) mod fast_scan;
pub(crate) mod hamming;
mod int8_panels;
mod mapped_file;
mod operands;
pub(crate) mod packing;
mod pq_scan;
mod scalar;
pub(crate) mod sq8;
#[cfg(test)]
mod tests;
mod threshold;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use bounds::{BoundTerms, BoundWeights, argmin, lower_bounds, minima_of};
pub(crate) use distance::{many, many_bytes, one};
pub(crate) use f32_panels::F32Panels;
pub(crate) use int8_panels::{Int8Panels, Int8Queries};
pub(crate) use mapped_file::Map;
pub(crate) use operands::Form;
pub(crate) use pq_scan::{pq8_scan, table_add};
pub(crate) use simd::prefetch;
pub(crate) use threshold::below;
