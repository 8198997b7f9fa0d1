//! What a register tile of the matrix product computes.

use super::lanes::{LANES, Lanes};

/// Rows of a register tile: with [`WIDTH`] columns, 24 of the 32 registers of AVX-512.
pub(crate) const ROWS: usize = 6;
/// Columns of a register tile and of a panel.
pub(crate) const WIDTH: usize = 64;

/// Up to [`ROWS`] rows of `C = finish(A B)`, in the columns of one panel of `B`.
///
/// # Safety
///
/// * `rows[run][row]` is readable for `k` floats for every row below `count`, and `runs` has at least one run
///   or none at all;
/// * `panel` is readable for `runs.len() * k * WIDTH` floats;
/// * `out[row]` is writable for `width <= WIDTH` floats for every row below `count`, and nobody else accesses
///   them meanwhile;
/// * so is `finish.bias` readable, where it is not null;
/// * `finish.kept[row]` is readable, and `finish.signs[row]` writable while nobody else accesses it, for `width` bits in
///   whole words, where they are not null.
pub(crate) struct Tile<'a> {
    /// Where the rows of `A` lie: each is a chain of runs of `k` values.
    pub runs: &'a [[*const f32; ROWS]],
    pub k: usize,
    pub panel: *const f32,
    pub count: usize,
    pub width: usize,
    pub out: [*mut f32; ROWS],
    pub finish: Finish,
}

/// What happens to a tile's sums before they are stored: `relu(sum + bias + out)`, in this order; each part may be
/// missing.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    /// One value per column, or null.
    pub bias: *const f32,
    /// Whether what is there is added.
    pub onto: bool,
    pub relu: bool,
    /// Which results are kept, and 0 is stored for the others; null where all are.
    pub kept: [*const u16; ROWS],
    /// Where it is kept which results are above 0, or null.
    pub signs: [*mut u16; ROWS],
}

impl Finish {
    /// Nothing is added.
    pub const NONE: Self = Self {
        bias: std::ptr::null(),
        onto: false,
        relu: false,
        kept: [std::ptr::null(); ROWS],
        signs: [std::ptr::null_mut(); ROWS],
    };
}

/// Stores the sums of one row in the columns from `first` on, as [`Finish`] says.
///
/// # Safety
///
/// That of [`Tile`]; `first` is below the width, and a multiple of [`LANES`].
#[inline(always)]
pub(super) unsafe fn finish<L: Lanes>(tile: &Tile<'_>, row: usize, first: usize, mut sums: L) {
    let Finish { bias, onto, relu, kept, signs } = tile.finish;
    let width = (tile.width - first).min(LANES);
    let out = tile.out[row].wrapping_add(first);
    let (kept, signs) = (kept[row], signs[row]);
    // SAFETY: the caller's.
    unsafe {
        if !bias.is_null() {
            sums = sums.plus(L::load(bias.add(first), width));
        }
        if onto {
            sums = sums.plus(L::load(out, width));
        }
        if relu {
            sums = sums.positive();
        }
        if !kept.is_null() {
            sums = sums.keep(kept.add(first / LANES).read());
        }
        if !signs.is_null() {
            signs.add(first / LANES).write(sums.signs());
        }
        sums.store(out, width);
    }
}
