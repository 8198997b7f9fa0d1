//! Distances, with the specification's 64 lanes in eight registers.

use std::arch::x86_64::*;

use super::super::fold::fold8;
use crate::kernels::{
    operands::Form,
    scalar::{self, Component},
};

/// Floats in a register.
const WIDTH: usize = 8;

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn distances<B: Component>(form: Form, query: &[f32], rows: &[B], out: &mut [f32]) {
    let d = query.len();
    match form {
        Form::SquaredL2 => {
            for (i, out) in out.iter_mut().enumerate() {
                *out = sum::<true, B>(query, &rows[i * d..][..d]);
            }
        }
        Form::InnerProduct => {
            for (i, out) in out.iter_mut().enumerate() {
                *out = sum::<false, B>(query, &rows[i * d..][..d]);
            }
        }
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn distance<B: Component>(form: Form, a: &[f32], b: &[B]) -> f32 {
    let d = a.len().min(b.len());
    match form {
        Form::SquaredL2 => sum::<true, B>(&a[..d], &b[..d]),
        Form::InnerProduct => sum::<false, B>(&a[..d], &b[..d]),
    }
}

/// Sum over two vectors of equal length.
#[inline]
#[target_feature(enable = "avx2")]
fn sum<const SQUARED: bool, B: Component>(a: &[f32], b: &[B]) -> f32 {
    let (a_steps, a_rest) = a.as_chunks::<16>();
    let (b_steps, b_rest) = b.as_chunks::<16>();
    let (a_chunks, a_steps) = a_steps.as_chunks::<4>();
    let (b_chunks, b_steps) = b_steps.as_chunks::<4>();
    let mut lanes = [[_mm256_setzero_ps(); 2]; 4];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..4 {
            lanes[i] = add_terms::<SQUARED, B>(lanes[i], &a[i], &b[i]);
        }
    }
    for (lanes, (a, b)) in lanes.iter_mut().zip(a_steps.iter().zip(b_steps)) {
        *lanes = add_terms::<SQUARED, B>(*lanes, a, b);
    }
    let rest = if a_rest.is_empty() { 0.0 } else { scalar::rest::<SQUARED, B>(a_rest, b_rest) };
    fold(lanes) + rest
}

#[inline]
#[target_feature(enable = "avx2")]
fn add_terms<const SQUARED: bool, B: Component>(
    [low, high]: [__m256; 2],
    a: &[f32; 16],
    b: &[B; 16],
) -> [__m256; 2] {
    let (a, _) = a.as_chunks::<WIDTH>();
    let (b, _) = b.as_chunks::<WIDTH>();
    [
        _mm256_add_ps(low, terms::<SQUARED, B>(&a[0], &b[0])),
        _mm256_add_ps(high, terms::<SQUARED, B>(&a[1], &b[1])),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn terms<const SQUARED: bool, B: Component>(a: &[f32; WIDTH], b: &[B; WIDTH]) -> __m256 {
    // SAFETY: both are 8 times 4 bytes, and any bytes are floats in this processor's order.
    let (a, b) = unsafe { (_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr().cast())) };
    if SQUARED {
        let difference = _mm256_sub_ps(a, b);
        _mm256_mul_ps(difference, difference)
    } else {
        _mm256_mul_ps(a, b)
    }
}

/// Sums the lanes in the specification's order: each step adds the upper half to the lower.
#[inline]
#[target_feature(enable = "avx2")]
fn fold([a, b, c, d]: [[__m256; 2]; 4]) -> f32 {
    let quarter = |i: usize| (a[i], b[i], c[i], d[i]);
    let mut halves = [_mm256_setzero_ps(); 2];
    for (i, half) in halves.iter_mut().enumerate() {
        let (a, b, c, d) = quarter(i);
        *half = _mm256_add_ps(_mm256_add_ps(a, c), _mm256_add_ps(b, d));
    }
    fold8(_mm256_add_ps(halves[0], halves[1]))
}
