//! Int8 products: tiles of up to 12 queries by two panels, 64 products per instruction.

use std::arch::x86_64::*;

use super::{
    super::pack::Packed,
    tile_sizes::{FEW, SIZES, tile_of_size},
};
use crate::kernels::operands::{Int8Product, Line, WIDTH, Word};

#[target_feature(enable = "avx512f,avx512vnni")]
pub(in crate::kernels) fn int8_products(product: &Int8Product<'_>, out: &mut [i32]) {
    let packed = Packed::new(product.queries, product.groups, SIZES);
    let panels = product.k.div_ceil(WIDTH);
    let mut panel = 0;
    while panels - panel >= 4 && product.corrections.len() <= FEW {
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

/// Multiplies all queries by `P` panels, which stay in the first-level cache meanwhile.
#[target_feature(enable = "avx512f,avx512vnni")]
fn step<const P: usize>(product: &Int8Product<'_>, packed: &Packed<Word>, panel: usize, out: &mut [i32]) {
    let Int8Product { k, groups, .. } = *product;
    let lines = &product.lines[panel * groups..][..P * groups];
    for &(first, size) in &packed.groups {
        let (starts, out) = (&product.corrections[first..], &mut out[first * k..][..size * k]);
        tile_of_size!(size, tile::<P>(lines, packed.group(first), starts, out, panel * WIDTH));
    }
}

/// Multiplies `Q` queries by `P` panels; `out` is `[Q, k]`, and the tile's columns start at `at`.
#[target_feature(enable = "avx512f,avx512vnni")]
fn tile<const Q: usize, const P: usize>(
    lines: &[Line],
    words: &[[Word; Q]],
    starts: &[i32],
    out: &mut [i32],
    at: usize,
) {
    let steps = words.len();
    let lines = &lines[..P * steps];
    let mut sums = [[_mm512_setzero_si512(); P]; Q];
    for q in 0..Q {
        sums[q] = [_mm512_set1_epi32(starts[q]); P];
    }
    for (step, words) in words.iter().enumerate() {
        for p in 0..P {
            let line = load(&lines[p * steps + step]);
            for q in 0..Q {
                let word = _mm512_set1_epi32(i32::from_le_bytes(words[q].map(i8::cast_unsigned)));
                sums[q][p] = _mm512_dpbusd_epi32(sums[q][p], line, word);
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
fn load(line: &Line) -> __m512i {
    // SAFETY: a line is the 64 bytes that the load reads, at any alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

/// Writes up to 16 elements of the slice.
#[target_feature(enable = "avx512f")]
fn store(out: &mut [i32], sums: __m512i) {
    let mask = u16::MAX.checked_shr((WIDTH - WIDTH.min(out.len())) as u32).unwrap_or(0);
    // SAFETY: the mask covers no more elements than the slice has, at any alignment.
    unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr(), mask, sums) }
}
