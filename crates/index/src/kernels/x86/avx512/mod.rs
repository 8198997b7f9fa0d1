//! Kernels in AVX-512 with byte, VNNI and VBMI instructions.

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

/// Vectors per panel, which fill a register.
const WIDTH: usize = 16;

/// Queries per register tile; 12 by two panels are 24 sums, which leaves registers for the panels.
const SIZES: &[usize] = &[12, 8, 4, 2, 1];

/// Up to this many queries, four panels are multiplied at a time, for enough independent sums.
const FEW: usize = 3;

pub(in crate::kernels) fn usable() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("avx512vbmi")
}

compile_for!("avx512f,avx512bw,avx512vl");

/// Calls `$tile::<Q, P>` for the size of the group.
macro_rules! tile_of_size {
    ($size:expr, $tile:ident::<$panels:ident>($($argument:expr),*)) => {
        match $size {
            12 => $tile::<12, $panels>($($argument),*),
            8 => $tile::<8, $panels>($($argument),*),
            4 => $tile::<4, $panels>($($argument),*),
            2 => $tile::<2, $panels>($($argument),*),
            _ => $tile::<1, $panels>($($argument),*),
        }
    };
}
use tile_of_size;
