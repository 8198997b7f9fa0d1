//! Kernels in AVX-512 with byte, VNNI and VBMI instructions.

mod distance;
mod f32_tile;
mod int8_tile;
mod threshold;

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
