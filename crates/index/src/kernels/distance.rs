//! Squared distances and inner products of vectors, with the same bits at every level.

use simd::Level;

use super::{dispatch::dispatch, operands::Form};

/// Sum over the components of two vectors, up to the shorter length.
pub(crate) fn one(level: Level, form: Form, a: &[f32], b: &[f32]) -> f32 {
    dispatch!(level, distance(form, a, b))
}

/// Computes [`one`] for a query `[d]` and each of the rows `[n, d]`.
pub(crate) fn many(level: Level, form: Form, query: &[f32], rows: &[f32], out: &mut [f32]) {
    assert_eq!(rows.len(), query.len() * out.len(), "rows [n, d] and distances [n]");
    dispatch!(level, distances(form, query, rows, out));
}

/// Computes [`one`] for a query `[d]` and each of the rows, `[n, 4 d]` bytes of unaligned little-endian
/// floats.
pub(crate) fn many_bytes(level: Level, form: Form, query: &[f32], rows: &[u8], out: &mut [f32]) {
    assert_eq!(rows.len(), 4 * query.len() * out.len(), "rows [n, 4 d] and distances [n]");
    dispatch!(level, distances(form, query, rows.as_chunks::<4>().0, out));
}
