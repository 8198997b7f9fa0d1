//! Operands of the kernels, the same at every level of vector instructions.

/// Vectors per panel, of float32 or of int8.
pub(super) const WIDTH: usize = 16;
/// Components multiplied and added by one instruction.
pub(super) const GROUP: usize = 4;
/// `GROUP` components of `WIDTH` vectors, as u8.
pub(super) type Line = [u8; WIDTH * GROUP];
/// `GROUP` components of a query.
pub(super) type Word = [i8; GROUP];

/// Term that is summed over the components of two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `(a_i - b_i)^2`
    SquaredL2,
    /// `a_i b_i`
    InnerProduct,
}

/// Operands of products of float32.
pub(super) struct F32Product<'a> {
    pub k: usize,
    pub d: usize,
    /// `[ceil(k / 16), d]`
    pub lines: &'a [[f32; WIDTH]],
    /// `[n, d]`
    pub queries: &'a [f32],
}

/// Operands of products of int8; `groups = ceil(d / 4)`.
pub(super) struct Int8Product<'a> {
    pub k: usize,
    pub groups: usize,
    /// `[ceil(k / 16), groups]`
    pub lines: &'a [Line],
    /// `[n, groups]`
    pub queries: &'a [Word],
    /// `[n]`: initial values of the sums.
    pub corrections: &'a [i32],
}

/// Scale and norms of a quantised vector.
pub(super) struct Quantised {
    pub scale: f32,
    pub squared_norm: f64,
    pub squared_code_norm: f64,
    pub squared_error: f64,
}
