//! Float32 products: tiles of up to 6 queries by one panel, 8 multiply-adds per instruction.

use std::arch::x86_64::*;

use super::super::pack::Packed;
use crate::kernels::operands::{F32Product, WIDTH};

/// Queries per register tile; 6 by two registers are 12 sums, which leaves registers for the panel.
const SIZES: &[usize] = &[6, 4, 2, 1];

#[target_feature(enable = "avx2,fma")]
pub(in crate::kernels) fn f32_products(product: &F32Product<'_>, out: &mut [f32]) {
    let F32Product { k, d, lines, queries } = *product;
    let packed = Packed::new(queries, d, SIZES);
    for (panel, lines) in lines.chunks_exact(d).enumerate() {
        for &(first, size) in &packed.groups {
            let (out, at) = (&mut out[first * k..][..size * k], panel * WIDTH);
            match size {
                6 => tile::<6>(lines, packed.group(first), out, at),
                4 => tile::<4>(lines, packed.group(first), out, at),
                2 => tile::<2>(lines, packed.group(first), out, at),
                _ => tile::<1>(lines, packed.group(first), out, at),
            }
        }
    }
}

/// Multiplies `Q` queries by the panel that starts at column `at`; `out` is `[Q, k]`.
#[target_feature(enable = "avx2,fma")]
fn tile<const Q: usize>(lines: &[[f32; WIDTH]], words: &[[f32; Q]], out: &mut [f32], at: usize) {
    let mut sums = [[_mm256_setzero_ps(); 2]; Q];
    for (line, words) in lines.iter().zip(words) {
        let line = load(line);
        for q in 0..Q {
            for i in 0..2 {
                sums[q][i] = _mm256_fmadd_ps(_mm256_set1_ps(words[q]), line[i], sums[q][i]);
            }
        }
    }
    let k = out.len() / Q;
    for q in 0..Q {
        store(&mut out[q * k..][..k][at..], sums[q]);
    }
}

#[target_feature(enable = "avx2")]
fn load(line: &[f32; WIDTH]) -> [__m256; 2] {
    // SAFETY: a line is the 16 floats that the loads read, at any alignment.
    unsafe { [_mm256_loadu_ps(line.as_ptr()), _mm256_loadu_ps(line.as_ptr().add(8))] }
}

/// Writes up to 16 elements of the slice.
#[target_feature(enable = "avx2")]
fn store(out: &mut [f32], [low, high]: [__m256; 2]) {
    let mut sums = [0.0f32; WIDTH];
    // SAFETY: the array has the 16 floats that the stores write, at any alignment.
    unsafe {
        _mm256_storeu_ps(sums.as_mut_ptr(), low);
        _mm256_storeu_ps(sums.as_mut_ptr().add(8), high);
    }
    match out.first_chunk_mut::<WIDTH>() {
        Some(out) => *out = sums,
        None => out.copy_from_slice(&sums[..out.len()]),
    }
}
