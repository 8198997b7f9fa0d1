//! Int8 products in 16 bits: tiles of up to 4 queries by half a panel, 16 products per instruction.

use std::arch::x86_64::*;

use super::super::pack::Packed;
use crate::kernels::operands::{GROUP, Int8Product, Line, WIDTH};

/// Queries per register tile; 4 by two registers of sums fit in 16 registers.
const SIZES: &[usize] = &[4, 2, 1];

/// Vectors in half a panel; their 16-bit codes fill two registers.
const HALF: usize = WIDTH / 2;

/// `GROUP` components of a query in 16 bits.
type Word = [i16; GROUP];

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn int8_products(product: &Int8Product<'_>, out: &mut [i32]) {
    let Int8Product { k, groups, lines, queries, corrections } = *product;
    let queries: Vec<Word> = queries.iter().map(|word| word.map(i16::from)).collect();
    let packed = Packed::new(&queries, groups, SIZES);
    for (panel, lines) in lines.chunks_exact(groups).enumerate() {
        for &(first, size) in &packed.groups {
            let (starts, out) = (&corrections[first..], &mut out[first * k..][..size * k]);
            for at in [0, HALF].map(|half| panel * WIDTH + half).into_iter().filter(|&at| at < k) {
                match size {
                    4 => tile::<4>(lines, packed.group(first), starts, out, at),
                    2 => tile::<2>(lines, packed.group(first), starts, out, at),
                    _ => tile::<1>(lines, packed.group(first), starts, out, at),
                }
            }
        }
    }
}

/// Multiplies `Q` queries by the half panel that starts at column `at`; `out` is `[Q, k]`.
#[target_feature(enable = "avx2")]
fn tile<const Q: usize>(lines: &[Line], words: &[[Word; Q]], starts: &[i32], out: &mut [i32], at: usize) {
    let half = at % WIDTH / HALF;
    let mut sums = [[_mm256_setzero_si256(); 2]; Q];
    for (line, words) in lines.iter().zip(words) {
        let (quarters, _) = line.as_chunks::<16>();
        let codes = [widen(&quarters[2 * half]), widen(&quarters[2 * half + 1])];
        for q in 0..Q {
            let word = _mm256_set1_epi64x(word_bits(words[q]));
            for i in 0..2 {
                sums[q][i] = _mm256_add_epi32(sums[q][i], _mm256_madd_epi16(codes[i], word));
            }
        }
    }
    let k = out.len() / Q;
    for q in 0..Q {
        let out = &mut out[q * k..][..k][at..];
        for (out, sum) in out.iter_mut().zip(add_pairs(sums[q])) {
            *out = sum.wrapping_add(starts[q]);
        }
    }
}

#[target_feature(enable = "avx2")]
fn widen(codes: &[u8; 16]) -> __m256i {
    // SAFETY: these are the 16 bytes that the load reads, at any alignment.
    _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
}

fn word_bits([a, b, c, d]: Word) -> i64 {
    let bits = |code: i16, shift: u32| u64::from(code.cast_unsigned()) << shift;
    (bits(a, 0) | bits(b, 16) | bits(c, 32) | bits(d, 48)).cast_signed()
}

/// Adds neighbouring sums: two per vector become one.
#[target_feature(enable = "avx2")]
fn add_pairs([a, b]: [__m256i; 2]) -> [i32; HALF] {
    let mut out = [0; HALF];
    // The horizontal addition orders the vectors 0, 1, 4, 5, 2, 3, 6, 7.
    let sums = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b));
    // SAFETY: the array has the 8 elements that the store writes, at any alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) };
    out
}
