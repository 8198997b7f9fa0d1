//! Lower bounds of the int8 scan, one register at a time.

use std::arch::x86_64::*;

use crate::kernels::{
    bounds::{BLOCK, BoundChunks, BoundTerms, BoundWeights, MINIMA},
    scalar,
};

/// Floats in a register.
const WIDTH: usize = 8;

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn lower_bounds(
    terms: BoundTerms<'_>,
    weights: BoundWeights,
    out: &mut [f32],
    minima: &mut [[f32; MINIMA]],
) {
    let chunks = terms.chunks();
    let (steps, _) = out.as_chunks_mut::<MINIMA>();
    for (block, (steps, minima)) in steps.chunks_mut(BLOCK / MINIMA).zip(&mut *minima).enumerate() {
        for at in (0..MINIMA).step_by(WIDTH) {
            // Kept in a register, so that steps do not wait for memory.
            let mut least = load(minima, at);
            for (i, out) in steps.iter_mut().enumerate() {
                let bound = bounds(&chunks, block * BLOCK / MINIMA + i, at, weights);
                store(out, at, bound);
                least = _mm256_min_ps(bound, least);
            }
            store(minima, at, least);
        }
    }
    scalar::rest_of_lower_bounds(terms, weights, out, minima);
}

/// Bounds from `at` on of step `i`, in the specification's order of operations.
#[inline]
#[target_feature(enable = "avx2")]
fn bounds(chunks: &BoundChunks<'_>, i: usize, at: usize, weights: BoundWeights) -> __m256 {
    let products = _mm256_cvtepi32_ps(load_integers(&chunks.products[i], at));
    let product = _mm256_mul_ps(load(&chunks.scales[i], at), products);
    let product = _mm256_mul_ps(_mm256_set1_ps(weights.product), product);
    let code = _mm256_mul_ps(_mm256_set1_ps(weights.code_norm), load(&chunks.code_norms[i], at));
    let error = _mm256_mul_ps(_mm256_set1_ps(weights.error_norm), load(&chunks.error_norms[i], at));
    let base = _mm256_add_ps(_mm256_set1_ps(weights.offset), load(&chunks.base[i], at));
    _mm256_sub_ps(_mm256_sub_ps(base, product), _mm256_add_ps(code, error))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_integers(values: &[i32; MINIMA], at: usize) -> __m256i {
    let values = &values[at..][..WIDTH];
    // SAFETY: these are the 8 integers that the load reads, at any alignment.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(values: &[f32; MINIMA], at: usize) -> __m256 {
    let values = &values[at..][..WIDTH];
    // SAFETY: these are the 8 floats that the load reads, at any alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(out: &mut [f32; MINIMA], at: usize, values: __m256) {
    let out = &mut out[at..][..WIDTH];
    // SAFETY: these are the 8 floats that the store writes, at any alignment.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), values) }
}
