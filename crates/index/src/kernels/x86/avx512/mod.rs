//! Kernels in AVX-512 with byte, VNNI and VBMI instructions.

mod distance;
mod f32_tile;
mod int8_tile;
mod threshold;
mod tile_sizes;

pub(in crate::kernels) use distance::{distance, distances};
pub(in crate::kernels) use f32_tile::f32_products;
pub(in crate::kernels) use int8_tile::int8_products;
pub(in crate::kernels) use threshold::below;
