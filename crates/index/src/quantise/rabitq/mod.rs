//! RaBitQ: one bit per dimension, the sign of the component minus a centre's, and two factors that make the
//! estimated distance unbiased (Gao and Long, "RaBitQ", 2024). faiss leaves the random rotation to `RR{d}`.
//!
//! With the residual `r = x - c` of a vector `x` from its centre `c`, the code has the signs of `r`, then
//! `|r|^2` (minus `|x|^2` for the inner product) and `|r|^2 sqrt(d) / |r|_1`, both float32. A code decodes to
//! `c + sign(r) |r|^2 / |r|_1`, whose product with `r` is `|r|^2`.
//!
//! # File layout
//!
//! faiss's `IndexRaBitQ` (`Ixrq`) is the index header, the fields of the quantiser, the codes as a vector of u8,
//! the centre as a vector of float32 `[d]`, and `qb` as u8. `IndexIVFRaBitQ` (`Iwrq`) is the IVF header with
//! coarse quantiser and direct map, the fields of the quantiser, `code_size` again as u64, `by_residual` as u8,
//! which is 1, `qb` as u8, and the inverted lists; the centres are those of the cells. The layout has been the
//! same since faiss 1.12; `qb` was 0 by default until 1.13 and is 4 since 1.14.
//!
//! | field | type | content |
//! |---|---|---|
//! | `d` | u64 | |
//! | `code_size` | u64 | `d / 8`, rounded up, and 8 |
//! | `metric_type` | i32 | that of the index |
//! | `qb` | u8 | bits of the components of a query, 0 for float32 |

mod query;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use query::SignQuery;

use crate::metric::Metric;

/// Bytes of the two factors of a code.
const FACTORS: usize = 8;

/// Most bits of the components of a query.
pub(crate) const MAX_QB: u8 = 8;

/// Bits of the components of a query in a new index, as in faiss since 1.14.
pub(crate) const DEFAULT_QB: u8 = 4;

/// Centre and metric of the codes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RaBitQuantiser {
    pub d: usize,
    pub metric: Metric,
    /// `[d]`, or empty where each cell has its own.
    pub centre: Vec<f32>,
    /// Bits of the components of a query, 0 for float32.
    pub qb: u8,
}

/// Bytes of a code of `d` components.
pub(crate) fn code_size(d: usize) -> usize {
    d.div_ceil(8) + FACTORS
}

impl RaBitQuantiser {
    /// Takes the mean of rows `[n, d]` as the centre; without rows, the origin.
    pub fn train(metric: Metric, d: usize, rows: &[f32]) -> Self {
        let mut centre = vec![0.0; d];
        for row in rows.chunks_exact(d) {
            centre.iter_mut().zip(row).for_each(|(centre, x)| *centre += x);
        }
        let n = (rows.len() / d).max(1) as f32;
        centre.iter_mut().for_each(|centre| *centre /= n);
        Self { d, metric, centre, qb: DEFAULT_QB }
    }

    /// Quantiser whose centres are those of cells.
    pub fn of_cells(metric: Metric, d: usize) -> Self {
        Self { d, metric, centre: Vec::new(), qb: DEFAULT_QB }
    }

    pub fn code_size(&self) -> usize {
        code_size(self.d)
    }

    /// Encodes rows `[n, d]` around the centre: `[n, code_size]` bytes.
    pub fn encode(&self, rows: &[f32]) -> Vec<u8> {
        self.encode_around(rows, |_| &self.centre)
    }

    /// Encodes rows `[n, d]`, each around a centre of its own.
    pub fn encode_around<'a>(&self, rows: &[f32], centre: impl Fn(usize) -> &'a [f32] + Sync) -> Vec<u8> {
        let size = self.code_size();
        let mut codes = vec![0; rows.len() / self.d * size];
        let pairs = codes.par_chunks_exact_mut(size).zip(rows.par_chunks_exact(self.d)).enumerate();
        pairs.for_each(|(i, (code, row))| self.encode_row(row, centre(i), code));
        codes
    }

    /// Encodes a row to a code of zeros.
    fn encode_row(&self, row: &[f32], centre: &[f32], code: &mut [u8]) {
        let (bits, factors) = code.split_at_mut(self.d.div_ceil(8));
        let (mut residual_norm, mut norm, mut absolute) = (0.0f32, 0.0f32, 0.0f32);
        for (j, (x, c)) in row.iter().zip(centre).enumerate() {
            let residual = x - c;
            residual_norm += residual * residual;
            norm += x * x;
            absolute += residual.abs();
            bits[j / 8] |= u8::from(residual > 0.0) << (j % 8);
        }
        let base = match self.metric {
            Metric::L2 => residual_norm,
            Metric::InnerProduct => residual_norm - norm,
        };
        let factor = self.multiplier(residual_norm, absolute);
        factors[..4].copy_from_slice(&base.to_le_bytes());
        factors[4..].copy_from_slice(&factor.to_le_bytes());
    }

    /// `|r|^2 sqrt(d) / |r|_1`, with faiss's rules for residuals near zero.
    fn multiplier(&self, residual_norm: f32, absolute: f32) -> f32 {
        let length = residual_norm.sqrt();
        let inverse = if residual_norm < f32::EPSILON { 1.0 } else { 1.0 / length };
        let cosine = absolute * inverse * (1.0 / (self.d as f32).sqrt());
        let inverse = if cosine < f32::EPSILON { 1.0 } else { 1.0 / cosine };
        inverse * length
    }

    /// Adds the decoded vector of a code to `out`, `d` floats.
    pub fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        let length = factors(code).1 / (self.d as f32).sqrt();
        for (j, out) in out.iter_mut().enumerate() {
            let set = code[j / 8] >> (j % 8) & 1 == 1;
            *out += if set { length } else { -length };
        }
        out.iter_mut().zip(&self.centre).for_each(|(out, c)| *out += c);
    }
}

/// The two factors at the end of a code.
fn factors(code: &[u8]) -> (f32, f32) {
    let (_, end) = code.as_rchunks::<4>();
    let [.., base, factor] = end else { return (0.0, 0.0) };
    (f32::from_le_bytes(*base), f32::from_le_bytes(*factor))
}
