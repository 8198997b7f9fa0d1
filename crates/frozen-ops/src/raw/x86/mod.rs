//! Kernels for x86-64.

/// Calls `$compute::<R>` for the number of rows of a tile.
macro_rules! by_rows {
    ($tile:expr, $compute:ident) => {
        match $tile.count {
            crate::raw::tile::ROWS => $compute::<{ crate::raw::tile::ROWS }>(&$tile),
            5 => $compute::<5>(&$tile),
            4 => $compute::<4>(&$tile),
            3 => $compute::<3>(&$tile),
            2 => $compute::<2>(&$tile),
            _ => $compute::<1>(&$tile),
        }
    };
}

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod bf16;
pub(super) mod lanes256;
pub(super) mod lanes512;
