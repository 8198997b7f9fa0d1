//! Kernels in AVX2 with fused multiply-add.

mod bounds;
mod distance;
mod f32_tile;
mod int8_tile;
mod threshold;

use super::compile_for;
use crate::kernels::{int8_panels::Quantised, scalar};

pub(in crate::kernels) use bounds::lower_bounds;
pub(in crate::kernels) use distance::{distance, distances};
pub(in crate::kernels) use f32_tile::f32_products;
pub(in crate::kernels) use int8_tile::int8_products;
pub(in crate::kernels) use threshold::below;

/// Vectors per panel, which fill two registers.
const WIDTH: usize = 16;

pub(in crate::kernels) fn usable() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

compile_for!("avx2");
