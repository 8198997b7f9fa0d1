//! Distances, with the specification's 64 lanes in four registers.

use std::arch::x86_64::*;

use super::super::fold::fold8;
use crate::kernels::{
    operands::Form,
    scalar::{self, Component},
};

/// Floats in a register.
const WIDTH: usize = 16;

#[target_feature(enable = "avx512f")]
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

#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn distance<B: Component>(form: Form, a: &[f32], b: &[B]) -> f32 {
    let d = a.len().min(b.len());
    match form {
        Form::SquaredL2 => sum::<true, B>(&a[..d], &b[..d]),
        Form::InnerProduct => sum::<false, B>(&a[..d], &b[..d]),
    }
}

/// Sum over two vectors of equal length.
#[inline]
#[target_feature(enable = "avx512f")]
fn sum<const SQUARED: bool, B: Component>(a: &[f32], b: &[B]) -> f32 {
    let (a_steps, a_rest) = a.as_chunks::<WIDTH>();
    let (b_steps, b_rest) = b.as_chunks::<WIDTH>();
    let (a_chunks, a_steps) = a_steps.as_chunks::<4>();
    let (b_chunks, b_steps) = b_steps.as_chunks::<4>();
    let mut lanes = [_mm512_setzero_ps(); 4];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..4 {
            lanes[i] = _mm512_add_ps(lanes[i], terms::<SQUARED, B>(&a[i], &b[i]));
        }
    }
    for (lanes, (a, b)) in lanes.iter_mut().zip(a_steps.iter().zip(b_steps)) {
        *lanes = _mm512_add_ps(*lanes, terms::<SQUARED, B>(a, b));
    }
    let rest = if a_rest.is_empty() { 0.0 } else { scalar::rest::<SQUARED, B>(a_rest, b_rest) };
    fold(lanes) + rest
}

#[inline]
#[target_feature(enable = "avx512f")]
fn terms<const SQUARED: bool, B: Component>(a: &[f32; WIDTH], b: &[B; WIDTH]) -> __m512 {
    // SAFETY: both are 16 times 4 bytes, and any bytes are floats in this processor's order.
    let (a, b) = unsafe { (_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr().cast())) };
    if SQUARED {
        let difference = _mm512_sub_ps(a, b);
        _mm512_mul_ps(difference, difference)
    } else {
        _mm512_mul_ps(a, b)
    }
}

/// Sums the lanes in the specification's order: each step adds the upper half to the lower.
#[inline]
#[target_feature(enable = "avx512f")]
fn fold([a, b, c, d]: [__m512; 4]) -> f32 {
    let sums = _mm512_add_ps(_mm512_add_ps(a, c), _mm512_add_ps(b, d));
    let upper = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sums)));
    fold8(_mm256_add_ps(_mm512_castps512_ps256(sums), upper))
}
