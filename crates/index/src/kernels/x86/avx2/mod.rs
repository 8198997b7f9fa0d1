//! Kernels in AVX2 with fused multiply-add.

mod distance;
mod f32_tile;
mod int8_tile;
mod threshold;

pub(in crate::kernels) use distance::{distance, distances};
pub(in crate::kernels) use f32_tile::f32_products;
pub(in crate::kernels) use int8_tile::int8_products;
pub(in crate::kernels) use threshold::below;
