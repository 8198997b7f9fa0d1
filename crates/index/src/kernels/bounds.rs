//! Scores from products: lower bounds of the int8 scan, and the smallest score of a row.

use simd::{LANES, Lanes, LanesWork, Level};

use super::scalar;

/// Bounds per block, for which [`lower_bounds`] finds [`MINIMA`] minima.
const BLOCK: usize = 256;
/// Minima per block; minimum `i` is that of the bounds `i`, `i + 16`, `i + 32`, ...
const MINIMA: usize = LANES;

/// Terms of the lower bounds from the stored vectors, `[k]` each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundTerms<'a> {
    pub products: &'a [i32],
    pub scales: &'a [f32],
    pub base: &'a [f32],
    pub code_norms: &'a [f32],
    pub error_norms: &'a [f32],
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
    let minima = minima.as_chunks_mut().0;
    level.with_lanes(LowerBounds { terms, weights, out, minima: &mut *minima });
    remaining_lower_bounds(terms, weights, out, minima);
}

/// Lower bounds of all full steps of [`LANES`].
struct LowerBounds<'a> {
    terms: BoundTerms<'a>,
    weights: BoundWeights,
    out: &'a mut [f32],
    minima: &'a mut [[f32; MINIMA]],
}

impl LanesWork for LowerBounds<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (terms, weights) = (BoundLanes::new(self.terms), WeightLanes::<L>::new(self.weights));
        let (steps, _) = self.out.as_chunks_mut();
        for (block, (steps, minima)) in steps.chunks_mut(BLOCK / MINIMA).zip(self.minima).enumerate() {
            // Kept in a register: through memory, each step would wait for the previous one.
            let mut least = L::from_array(minima);
            for (i, out) in steps.iter_mut().enumerate() {
                let bounds = terms.bounds(block * BLOCK / MINIMA + i, weights);
                bounds.write(out);
                least = bounds.min(least);
            }
            least.write(minima);
        }
    }
}

/// Terms in steps of [`LANES`].
struct BoundLanes<'a> {
    products: &'a [[i32; LANES]],
    scales: &'a [[f32; LANES]],
    base: &'a [[f32; LANES]],
    code_norms: &'a [[f32; LANES]],
    error_norms: &'a [[f32; LANES]],
}

impl<'a> BoundLanes<'a> {
    #[inline(always)]
    fn new(terms: BoundTerms<'a>) -> Self {
        Self {
            products: terms.products.as_chunks().0,
            scales: terms.scales.as_chunks().0,
            base: terms.base.as_chunks().0,
            code_norms: terms.code_norms.as_chunks().0,
            error_norms: terms.error_norms.as_chunks().0,
        }
    }

    /// Bounds of step `i`, in the order of operations of [`lower_bound`].
    #[inline(always)]
    fn bounds<L: Lanes>(&self, i: usize, weights: WeightLanes<L>) -> L {
        let scaled = L::from_array(&self.scales[i]) * L::from_integers(&self.products[i]);
        let code = weights.code_norm * L::from_array(&self.code_norms[i]);
        let error = weights.error_norm * L::from_array(&self.error_norms[i]);
        weights.offset + L::from_array(&self.base[i]) - weights.product * scaled - (code + error)
    }
}

/// Weights in every lane.
#[derive(Clone, Copy)]
struct WeightLanes<L> {
    offset: L,
    product: L,
    code_norm: L,
    error_norm: L,
}

impl<L: Lanes> WeightLanes<L> {
    #[inline(always)]
    fn new(weights: BoundWeights) -> Self {
        Self {
            offset: L::splat(weights.offset),
            product: L::splat(weights.product),
            code_norm: L::splat(weights.code_norm),
            error_norm: L::splat(weights.error_norm),
        }
    }
}

/// Computes the bounds after the last full step of [`LANES`].
fn remaining_lower_bounds(
    terms: BoundTerms<'_>,
    weights: BoundWeights,
    out: &mut [f32],
    minima: &mut [[f32; MINIMA]],
) {
    for c in out.len() / LANES * LANES..out.len() {
        let norms = [terms.code_norms[c], terms.error_norms[c]];
        out[c] = lower_bound(weights, terms.products[c], terms.scales[c], terms.base[c], norms);
        let minimum = &mut minima[c / BLOCK][c % MINIMA];
        *minimum = if out[c] < *minimum { out[c] } else { *minimum };
    }
}

/// Lower bound of one vector.
fn lower_bound(weights: BoundWeights, product: i32, scale: f32, base: f32, [code, error]: [f32; 2]) -> f32 {
    let product = weights.product * (scale * product as f32);
    let error = weights.code_norm * code + weights.error_norm * error;
    weights.offset + base - product - error
}

/// Number of minima of `k` bounds.
pub(crate) fn minima_of(k: usize) -> usize {
    k.div_ceil(BLOCK) * MINIMA
}

/// Returns the index and value of the smallest `norms[c] - 2 products[c]`, the first of equals;
/// `(0, infinity)` if there is none.
pub(crate) fn argmin(level: Level, norms: &[f32], products: &[f32]) -> (u32, f32) {
    assert_eq!(norms.len(), products.len(), "norms [k] and products [k]");
    level.run(
        #[inline(always)]
        || scalar::argmin(norms, products),
    )
}
