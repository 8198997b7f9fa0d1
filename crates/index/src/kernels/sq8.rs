//! Distances of one query to codes of one byte per dimension.
//!
//! A byte `c` of dimension `j` decodes to `base_j + step_j * c`, so with tables computed once per query, an
//! L2 term is `(shifted_j - step_j c)^2` and an inner product's term `weight_j c`.

use simd::{Level, Tier};

/// Tables of one query.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tables<'a> {
    /// Squared distances; `shifted` is the query minus `base`, both `[d]`.
    L2 { shifted: &'a [f32], steps: &'a [f32] },
    /// Inner products `bias + sum_j weights_j c_j`; `weights` is `[d]`.
    InnerProduct { bias: f32, weights: &'a [f32] },
}

impl<'a> Tables<'a> {
    /// Both tables cut to equal length; the first is empty for the inner product.
    fn split(self) -> (&'a [f32], &'a [f32]) {
        match self {
            Self::L2 { shifted, steps } => {
                let d = shifted.len().min(steps.len());
                (&shifted[..d], &steps[..d])
            }
            Self::InnerProduct { weights, .. } => (&[], weights),
        }
    }
}

/// Writes the distance of every code of `codes` `[out.len(), d]` to `out`.
pub(crate) fn distances(level: Level, tables: Tables, codes: &[u8], out: &mut [f32]) {
    let d = tables.split().1.len();
    assert_eq!(Some(codes.len()), out.len().checked_mul(d), "bytes of the codes");
    match level.tier() {
        Tier::Scalar => scalar(tables, codes, out),
        // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 | Tier::Avx512F => unsafe { x86::avx2(tables, codes, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => unsafe { x86::avx512(tables, codes, out) },
    }
}

fn scalar(tables: Tables, codes: &[u8], out: &mut [f32]) {
    let d = tables.split().1.len();
    for (i, out) in out.iter_mut().enumerate() {
        *out = tail(tables, 0, &codes[i * d..(i + 1) * d]);
        if let Tables::InnerProduct { bias, .. } = tables {
            *out += bias;
        }
    }
}

/// Sum of the terms of the dimensions from `start` on, with bytes `code`.
fn tail(tables: Tables, start: usize, code: &[u8]) -> f32 {
    match tables {
        Tables::L2 { shifted, steps } => {
            sum_in_lanes(&shifted[start..], &steps[start..], code, |q, step, c| {
                let difference = q - step * c;
                difference * difference
            })
        }
        Tables::InnerProduct { weights, .. } => {
            let weights = &weights[start..];
            sum_in_lanes(weights, weights, code, |weight, _, c| weight * c)
        }
    }
}

/// Sums `term` over both tables and the bytes in eight partial sums, which the compiler vectorises.
fn sum_in_lanes(a: &[f32], b: &[f32], code: &[u8], term: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let (code_chunks, code_rest) = code.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for ((a, b), code) in a_chunks.iter().zip(b_chunks).zip(code_chunks) {
        for (((lane, &a), &b), &c) in lanes.iter_mut().zip(a).zip(b).zip(code) {
            *lane += term(a, b, f32::from(c));
        }
    }
    let rest = a_rest.iter().zip(b_rest).zip(code_rest);
    lanes.iter().sum::<f32>() + rest.map(|((&a, &b), &c)| term(a, b, f32::from(c))).sum::<f32>()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Tables, tail};

    /// Codes compared together, to share loads of the tables and hide the latency of additions.
    const ROWS: usize = 4;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub fn avx512(tables: Tables, codes: &[u8], out: &mut [f32]) {
        let d = tables.split().1.len();
        let (blocks, rest) = out.as_chunks_mut::<ROWS>();
        let (block_codes, rest_codes) = codes.split_at(blocks.len() * ROWS * d);
        for (i, out) in blocks.iter_mut().enumerate() {
            *out = avx512_rows(tables, &block_codes[i * ROWS * d..(i + 1) * ROWS * d]);
        }
        for (i, out) in rest.iter_mut().enumerate() {
            [*out] = avx512_rows(tables, &rest_codes[i * d..(i + 1) * d]);
        }
    }

    /// Distances of the codes `[N, d]`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn avx512_rows<const N: usize>(tables: Tables, codes: &[u8]) -> [f32; N] {
        let (shifted, steps) = tables.split();
        let d = steps.len();
        assert!(codes.len() == N * d);
        let mut sums = [_mm512_setzero_ps(); N];
        for j in (0..d).step_by(16) {
            let mask = u16::MAX >> 16usize.saturating_sub(d - j);
            // SAFETY: the mask ends at `d`, the length of `steps` and, with L2, of `shifted`; each code is
            // `d` long.
            unsafe {
                let step = _mm512_maskz_loadu_ps(mask, steps.as_ptr().add(j));
                if let Tables::L2 { .. } = tables {
                    let shifted = _mm512_maskz_loadu_ps(mask, shifted.as_ptr().add(j));
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let code = avx512_bytes(mask, codes.as_ptr().add(row * d + j));
                        let difference = _mm512_fnmadd_ps(code, step, shifted);
                        *sum = _mm512_fmadd_ps(difference, difference, *sum);
                    }
                } else {
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let code = avx512_bytes(mask, codes.as_ptr().add(row * d + j));
                        *sum = _mm512_fmadd_ps(code, step, *sum);
                    }
                }
            }
        }
        let mut out = [bias(tables); N];
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += _mm512_reduce_add_ps(sum);
        }
        out
    }

    /// Converts sixteen bytes to floats.
    ///
    /// # Safety
    /// The bytes selected by the mask are readable.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn avx512_bytes(mask: u16, bytes: *const u8) -> __m512 {
        // SAFETY: guaranteed by the caller.
        let bytes = unsafe { _mm_maskz_loadu_epi8(mask, bytes.cast()) };
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
    }

    fn bias(tables: Tables) -> f32 {
        match tables {
            Tables::L2 { .. } => 0.0,
            Tables::InnerProduct { bias, .. } => bias,
        }
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(tables: Tables, codes: &[u8], out: &mut [f32]) {
        let d = tables.split().1.len();
        let (blocks, rest) = out.as_chunks_mut::<ROWS>();
        let (block_codes, rest_codes) = codes.split_at(blocks.len() * ROWS * d);
        for (i, out) in blocks.iter_mut().enumerate() {
            *out = avx2_rows(tables, &block_codes[i * ROWS * d..(i + 1) * ROWS * d]);
        }
        for (i, out) in rest.iter_mut().enumerate() {
            [*out] = avx2_rows(tables, &rest_codes[i * d..(i + 1) * d]);
        }
    }

    /// Distances of the codes `[N, d]`.
    #[target_feature(enable = "avx2,fma")]
    fn avx2_rows<const N: usize>(tables: Tables, codes: &[u8]) -> [f32; N] {
        let (shifted, steps) = tables.split();
        let d = steps.len();
        assert!(codes.len() == N * d);
        let whole = d / 8 * 8;
        let mut sums = [_mm256_setzero_ps(); N];
        for j in (0..whole).step_by(8) {
            // SAFETY: eight floats of `steps` and, with L2, of `shifted` follow `j`, and eight bytes of each
            // code.
            unsafe {
                let step = _mm256_loadu_ps(steps.as_ptr().add(j));
                if let Tables::L2 { .. } = tables {
                    let shifted = _mm256_loadu_ps(shifted.as_ptr().add(j));
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let code = avx2_bytes(codes.as_ptr().add(row * d + j));
                        let difference = _mm256_fnmadd_ps(code, step, shifted);
                        *sum = _mm256_fmadd_ps(difference, difference, *sum);
                    }
                } else {
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let code = avx2_bytes(codes.as_ptr().add(row * d + j));
                        *sum = _mm256_fmadd_ps(code, step, *sum);
                    }
                }
            }
        }
        let mut out = [bias(tables); N];
        for (row, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
            *out += avx2_sum(sum) + tail(tables, whole, &codes[row * d + whole..(row + 1) * d]);
        }
        out
    }

    /// Converts eight bytes to floats.
    ///
    /// # Safety
    /// Eight bytes are readable.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2_bytes(bytes: *const u8) -> __m256 {
        // SAFETY: guaranteed by the caller.
        let bytes = unsafe { _mm_loadl_epi64(bytes.cast()) };
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))
    }

    #[target_feature(enable = "avx2,fma")]
    fn avx2_sum(sum: __m256) -> f32 {
        let mut lanes = [0.0; 8];
        // SAFETY: `lanes` is 32 bytes; the store needs no alignment.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sum) };
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;
    use rand::RngExt;

    fn levels() -> impl Iterator<Item = Level> {
        Level::available().into_iter()
    }

    fn floats(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = seeded(seed, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Sums `term` over the bytes of every code in double precision.
    fn reference(codes: &[u8], d: usize, term: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let sum = |code: &[u8]| code.iter().enumerate().map(|(j, &c)| term(j, f64::from(c))).sum();
        codes.chunks(d).map(sum).collect()
    }

    fn check(tables: Tables, codes: &[u8], expected: &[f64]) {
        for level in levels() {
            let mut out = vec![f32::NAN; expected.len()];
            distances(level, tables, codes, &mut out);
            for (out, expected) in out.iter().zip(expected) {
                let error = (f64::from(*out) - expected).abs();
                assert!(error < 2e-5 * (1.0 + expected.abs()), "{level:?}: {out}, {expected}");
            }
        }
    }

    #[test]
    fn every_level_agrees_with_double_precision_at_every_length() {
        for (d, n) in (1..70).map(|d| (d, d % 7)).chain([(512, 9)]) {
            let mut rng = seeded(d as u64, 1);
            let codes: Vec<u8> = (0..n * d).map(|_| rng.random_range(0..=255)).collect();
            let (shifted, steps) = (floats(d, 2), floats(d, 3).iter().map(|x| x / 255.0).collect::<Vec<_>>());
            let at = |table: &[f32], j: usize| f64::from(table[j]);
            let l2 = reference(&codes, d, |j, c| (at(&shifted, j) - at(&steps, j) * c).powi(2));
            check(Tables::L2 { shifted: &shifted, steps: &steps }, &codes, &l2);
            let mut ip = reference(&codes, d, |j, c| at(&steps, j) * c);
            ip.iter_mut().for_each(|ip| *ip += 0.5);
            check(Tables::InnerProduct { bias: 0.5, weights: &steps }, &codes, &ip);
        }
    }
}
