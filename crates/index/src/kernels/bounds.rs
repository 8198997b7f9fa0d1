//! Scores from products: lower bounds of the int8 scan, and the smallest score of a row.

use super::{Level, dispatch};

/// Bounds per block, for which [`lower_bounds`] finds [`MINIMA`] minima.
pub(super) const BLOCK: usize = 256;
/// Minima per block; minimum `i` is that of the bounds `i`, `i + 16`, `i + 32`, ...
pub(super) const MINIMA: usize = 16;

/// Terms of the lower bounds from the stored vectors, `[k]` each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundTerms<'a> {
    pub products: &'a [i32],
    pub scales: &'a [f32],
    pub base: &'a [f32],
    pub code_norms: &'a [f32],
    pub error_norms: &'a [f32],
}

/// Terms in chunks of full registers.
pub(super) struct BoundChunks<'a> {
    pub products: &'a [[i32; MINIMA]],
    pub scales: &'a [[f32; MINIMA]],
    pub base: &'a [[f32; MINIMA]],
    pub code_norms: &'a [[f32; MINIMA]],
    pub error_norms: &'a [[f32; MINIMA]],
}

impl<'a> BoundTerms<'a> {
    pub(super) fn chunks(&self) -> BoundChunks<'a> {
        BoundChunks {
            products: self.products.as_chunks().0,
            scales: self.scales.as_chunks().0,
            base: self.base.as_chunks().0,
            code_norms: self.code_norms.as_chunks().0,
            error_norms: self.error_norms.as_chunks().0,
        }
    }
}

/// Weights of the lower bounds from the query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundWeights {
    pub offset: f32,
    pub product: f32,
    pub code_norm: f32,
    pub error_norm: f32,
}

/// Computes `out[c] = offset + base_c - product scale_c product_c - code_norm code_norm_c - error_norm
/// error_norm_c` and the minima of disjoint sets of bounds that cover all, [`minima_of`]`(k)`; infinite for
/// empty sets.
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
    assert_eq!(minima.len(), minima_of(k), "minima [minima_of(k)]");
    minima.fill(f32::INFINITY);
    dispatch!(level, lower_bounds(terms, weights, out, minima.as_chunks_mut().0));
}

/// Number of minima of `k` bounds.
pub(crate) fn minima_of(k: usize) -> usize {
    k.div_ceil(BLOCK) * MINIMA
}

/// Returns the index and value of the smallest `norms[c] - 2 products[c]`, the first of equals;
/// `(0, infinity)` if there is none.
pub(crate) fn argmin(level: Level, norms: &[f32], products: &[f32]) -> (u32, f32) {
    assert_eq!(norms.len(), products.len(), "norms [k] and products [k]");
    dispatch!(level, argmin(norms, products))
}
