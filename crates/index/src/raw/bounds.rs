//! Scores from products: lower bounds of the int8 scan, and the smallest score of a row.

use super::{Level, dispatch};

/// Values whose minimum is taken together by [`lower_bounds`].
pub(crate) const BLOCK: usize = 16;

/// `[k]` each: what a lower bound takes from the stored vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundTerms<'a> {
    pub products: &'a [i32],
    pub scales: &'a [f32],
    pub base: &'a [f32],
    pub code_norms: &'a [f32],
    pub error_norms: &'a [f32],
}

/// What a lower bound takes from the query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundWeights {
    pub offset: f32,
    pub product: f32,
    pub code_norm: f32,
    pub error_norm: f32,
}

/// `out[c] = offset + base_c - product scale_c product_c - code_norm code_norm_c - error_norm error_norm_c`, and
/// in `minima` the least of every 16, `[ceil(k / 16)]`.
pub(crate) fn lower_bounds(
    level: Level,
    terms: BoundTerms<'_>,
    weights: BoundWeights,
    out: &mut [f32],
    minima: &mut [f32],
) {
    let k = out.len();
    let lengths = [terms.products.len(), terms.scales.len(), terms.base.len(), terms.code_norms.len()];
    assert!(lengths == [k; 4] && terms.error_norms.len() == k, "terms [k] and bounds [k]");
    assert_eq!(minima.len(), k.div_ceil(BLOCK), "one minimum of every 16");
    dispatch!(level, lower_bounds(terms, weights, out, minima));
}

/// The first smallest `norms[c] - 2 products[c]` and its place; `(0, infinity)` where there is none.
pub(crate) fn argmin(level: Level, norms: &[f32], products: &[f32]) -> (u32, f32) {
    assert_eq!(norms.len(), products.len(), "norms [k] and products [k]");
    dispatch!(level, argmin(norms, products))
}
