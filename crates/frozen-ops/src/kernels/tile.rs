//! Register tile of the matrix product: its operands, its results and its epilogue.

/// Rows of a register tile: with [`WIDTH`] columns, 24 of the 32 registers of AVX-512.
pub(crate) const ROWS: usize = 6;
/// Columns of a register tile and of a panel.
pub(crate) const WIDTH: usize = 64;

/// Up to [`ROWS`] rows of `C = epilogue(A B)`, in the columns of one panel of `B`.
///
/// # Safety
///
/// * `runs[run][row]` is readable for `k` floats, for every row below `count`;
/// * `panel` is readable for `runs.len() * k * WIDTH` floats;
/// * `out[row]` is writable for `width <= WIDTH` floats for every row below `count`, and no other thread accesses
///   them meanwhile;
/// * `epilogue.bias`, where it is not null, is readable for `width` floats;
/// * `epilogue.mask[row]` is readable, and `epilogue.mask_out[row]` writable while no other thread accesses it, for
///   `width` bits in whole words, where they are not null.
pub(crate) struct Tile<'a> {
    /// Rows of `A`, each a sequence of runs of `k` values: `[runs][ROWS]`.
    pub runs: &'a [[*const f32; ROWS]],
    pub k: usize,
    /// Panel of `B`, `[runs * k, WIDTH]`.
    pub panel: *const f32,
    /// Number of rows.
    pub count: usize,
    /// Number of columns.
    pub width: usize,
    pub out: [*mut f32; ROWS],
    pub epilogue: Epilogue,
}

/// Operations on a tile's sums before they are stored: `mask * relu(sum + bias + out)`, in this order. Each part is
/// optional.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue {
    /// One value a column, or null.
    pub bias: *const f32,
    /// Adds the previous values of `out`.
    pub accumulate: bool,
    pub relu: bool,
    /// Bits of the results that are kept, the others become 0; null keeps all.
    pub mask: [*const u16; ROWS],
    /// Destination of the mask of results above 0, or null.
    pub mask_out: [*mut u16; ROWS],
}

impl Epilogue {
    /// Stores the sums unchanged.
    pub const NONE: Self = Self {
        bias: std::ptr::null(),
        accumulate: false,
        relu: false,
        mask: [std::ptr::null(); ROWS],
        mask_out: [std::ptr::null_mut(); ROWS],
    };
}
