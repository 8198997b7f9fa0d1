//! Float32 products: tiles of up to 12 queries by two panels, 16 multiply-adds per instruction.

use std::arch::x86_64::*;

use super::{
    super::pack::Packed,
    tile_sizes::{FEW, SIZES, tile_of_size},
};
use crate::kernels::operands::{F32Product, WIDTH};

#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn f32_products(product: &F32Product<'_>, out: &mut [f32]) {
    let packed = Packed::new(product.queries, product.d, SIZES);
    let panels = product.k.div_ceil(WIDTH);
    let mut panel = 0;
    while panels - panel >= 4 && product.queries.len() <= FEW * product.d {
        step::<4>(product, &packed, panel, out);
        panel += 4;
    }
    while panels - panel >= 2 {
        step::<2>(product, &packed, panel, out);
        panel += 2;
    }
    if panel < panels {
        step::<1>(product, &packed, panel, out);
    }
}

/// Multiplies all queries by `P` panels, which stay in the nearer caches meanwhile.
#[target_feature(enable = "avx512f")]
fn step<const P: usize>(product: &F32Product<'_>, packed: &Packed<f32>, panel: usize, out: &mut [f32]) {
    let F32Product { k, d, .. } = *product;
    let lines = &product.lines[panel * d..][..P * d];
    for &(first, size) in &packed.groups {
        let out = &mut out[first * k..][..size * k];
        tile_of_size!(size, tile::<P>(lines, packed.group(first), out, panel * WIDTH));
    }
}

/// Multiplies `Q` queries by `P` panels; `out` is `[Q, k]`, and the tile's columns start at `at`.
#[target_feature(enable = "avx512f")]
fn tile<const Q: usize, const P: usize>(
    lines: &[[f32; WIDTH]],
    words: &[[f32; Q]],
    out: &mut [f32],
    at: usize,
) {
    let steps = words.len();
    let lines = &lines[..P * steps];
    let mut sums = [[_mm512_setzero_ps(); P]; Q];
    for (step, words) in words.iter().enumerate() {
        for p in 0..P {
            let line = load(&lines[p * steps + step]);
            for q in 0..Q {
                sums[q][p] = _mm512_fmadd_ps(_mm512_set1_ps(words[q]), line, sums[q][p]);
            }
        }
    }
    let k = out.len() / Q;
    for q in 0..Q {
        for p in 0..P {
            store(&mut out[q * k + at + p * WIDTH..(q + 1) * k], sums[q][p]);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn load(line: &[f32; WIDTH]) -> __m512 {
    // SAFETY: a line is the 16 floats that the load reads, at any alignment.
    unsafe { _mm512_loadu_ps(line.as_ptr()) }
}

/// Writes up to 16 elements of the slice.
#[target_feature(enable = "avx512f")]
fn store(out: &mut [f32], sums: __m512) {
    let mask = u16::MAX.checked_shr((WIDTH - WIDTH.min(out.len())) as u32).unwrap_or(0);
    // SAFETY: the mask covers no more elements than the slice has, at any alignment.
    unsafe { _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, sums) }
}
