//! Sizes of register tiles.

/// Queries per register tile; 12 by two panels are 24 sums, which leaves registers for the panels.
pub(super) const SIZES: &[usize] = &[12, 8, 4, 2, 1];

/// Up to this many queries, four panels are multiplied at a time, for enough independent sums.
pub(super) const FEW: usize = 3;

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
pub(super) use tile_of_size;
