//! The specification.

use super::{
    lanes::{LANES, Lanes, Scalar},
    tile::{ROWS, Tile, WIDTH, finish},
};

/// # Safety
///
/// That of [`Tile`].
pub(super) unsafe fn tiles<'a>(tiles: impl Iterator<Item = Tile<'a>>) {
    for tile in tiles {
        let mut sums = [[0.0; WIDTH]; ROWS];
        let mut panel = tile.panel;
        for run in tile.runs {
            for i in 0..tile.k {
                // SAFETY: the caller's.
                let b = unsafe { std::slice::from_raw_parts(panel, WIDTH) };
                for (sums, row) in sums.iter_mut().zip(&run[..tile.count]) {
                    // SAFETY: the caller's.
                    let a = unsafe { *row.add(i) };
                    sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
                }
                panel = panel.wrapping_add(WIDTH);
            }
        }
        for (row, sums) in sums.iter_mut().enumerate().take(tile.count) {
            for (strip, sums) in sums.chunks_exact(LANES).enumerate().take(tile.width.div_ceil(LANES)) {
                // SAFETY: there are as many sums as lanes; the caller's.
                unsafe { finish(&tile, row, strip * LANES, Scalar::load(sums.as_ptr(), LANES)) };
            }
        }
    }
}
