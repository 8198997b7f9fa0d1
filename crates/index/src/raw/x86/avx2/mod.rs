//! AVX2 with fused multiply-add.

mod bounds;
mod distance;
mod f32_tile;
mod int8_tile;
mod select;

use super::compile_for;
use crate::raw::int8_panels::Quantised;
use crate::raw::scalar;

pub(in crate::raw) use bounds::lower_bounds;
pub(in crate::raw) use distance::{distance, distances};
pub(in crate::raw) use f32_tile::f32_products;
pub(in crate::raw) use int8_tile::int8_products;
pub(in crate::raw) use select::below;

/// Vectors in one panel, which fill two registers.
const WIDTH: usize = 16;

pub(in crate::raw) fn usable() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

compile_for!("avx2");
