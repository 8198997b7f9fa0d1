//! Scalar quantiser: a code of 4, 6, 8 or 16 bits per dimension.
//!
//! The types of 4, 6 and 8 bits divide the range of the training values into `s` = 15, 63 or 255 steps. A step
//! `c` decodes to its middle, `vmin + (c + 0.5) / s * vdiff`. The types of 16 bits are shorter floats, and the
//! direct ones store integers. A code is padded to whole bytes.
//!
//! # File layout
//!
//! faiss's `IndexScalarQuantizer` (`IxSQ`) is the index header, the fields below, and the codes as a vector
//! of u8, `[ntotal, code_size]`. `IndexIVFScalarQuantizer` (`IwSq`) is the IVF header with coarse quantiser and
//! direct map, the fields below, `code_size` again as u64, `by_residual` as u8, and the inverted lists.
//!
//! | field | type | content |
//! |---|---|---|
//! | `qtype` | i32 | place in [`ScalarType`], from 0 |
//! | `rangestat` | i32 | 0: minimum and maximum |
//! | `rangestat_arg` | f32 | 0; fraction by which the range is widened on both sides |
//! | `d` | u64 | |
//! | `code_size` | u64 | |
//! | `trained` | vector of f32 | `[2, ranges]`: `vmin`, then `vdiff`; a range per dimension, one, or none |
//!
//! # Inverted files
//!
//! `IVF{n},SQ...` encodes residuals (`by_residual` is 1, for both metrics) and trains the quantiser on
//! residuals. Under L2 a cell's codes are compared with the query minus the cell's centroid. For the inner
//! product they are multiplied with the query itself, and the query's product with the centroid is added.

mod packed_steps;
mod query;
mod short_floats;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use query::StepQuery;

use crate::{
    error::{Error, Result},
    factory::ScalarType,
};

/// Trained ranges of the dimensions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScalarQuantiser {
    pub kind: ScalarType,
    pub d: usize,
    /// Kept for the file; training always sets 0.
    pub rangestat: i32,
    pub rangestat_arg: f32,
    /// `[2, ranges]`: the minima, then the widths of the ranges.
    pub trained: Vec<f32>,
}

impl ScalarQuantiser {
    /// Computes the ranges of rows `[n, d]`.
    ///
    /// # Errors
    /// There are no rows for a range.
    pub fn train(kind: ScalarType, d: usize, rows: &[f32]) -> Result<Self> {
        let ranges = kind.ranges(d);
        if rows.len() < ranges {
            return Err(Error::TooFewPoints { what: "scalar quantiser", needed: 1, found: 0 });
        }
        let (mut vmin, mut vmax) = (rows[..ranges].to_vec(), rows[..ranges].to_vec());
        for row in rows.chunks_exact(ranges.max(1)) {
            vmin.iter_mut().zip(row).for_each(|(vmin, x)| *vmin = vmin.min(*x));
            vmax.iter_mut().zip(row).for_each(|(vmax, x)| *vmax = vmax.max(*x));
        }
        let vdiff: Vec<f32> = vmin.iter().zip(&vmax).map(|(vmin, vmax)| vmax - vmin).collect();
        Ok(Self { kind, d, rangestat: 0, rangestat_arg: 0.0, trained: [vmin, vdiff].concat() })
    }

    /// Checks that the sizes of fields read from a file agree.
    pub fn check(&self) -> Result<()> {
        let ranges = self.kind.ranges(self.d);
        if Some(self.trained.len()) != ranges.checked_mul(2) {
            let expected = format!("twice {ranges} ranges");
            return Err(Error::field("scalar quantiser trained", expected, self.trained.len()));
        }
        Ok(())
    }

    /// Bytes of one code.
    pub fn code_size(&self) -> usize {
        code_size(self.kind, self.d)
    }

    /// Number of steps of a range; 0 for types without ranges.
    fn steps(&self) -> u8 {
        if self.kind.ranges(1) == 0 { 0 } else { ((1u16 << self.kind.bits()) - 1) as u8 }
    }

    /// Minimum and width of the range of each dimension: `[d]`; empty for types without ranges.
    fn ranges(&self) -> impl Iterator<Item = (f32, f32)> {
        let (vmin, vdiff) = self.trained.split_at(self.trained.len() / 2);
        let (stride, d) = (usize::from(vmin.len() > 1), if vmin.is_empty() { 0 } else { self.d });
        (0..d).map(move |j| (vmin[j * stride], vdiff[j * stride]))
    }

    /// Encodes rows `[n, d]`: `[n, code_size]` bytes.
    pub fn encode(&self, rows: &[f32]) -> Vec<u8> {
        let size = self.code_size();
        let mut codes = vec![0; rows.len() / self.d * size];
        let pairs = codes.par_chunks_exact_mut(size).zip(rows.par_chunks_exact(self.d));
        pairs.for_each(|(code, row)| self.encode_row(row, code));
        codes
    }

    /// Encodes a row `[d]` to a code of zeros.
    fn encode_row(&self, row: &[f32], code: &mut [u8]) {
        match self.kind {
            ScalarType::Fp16 => short_floats::encode(row, code, short_floats::to_fp16),
            ScalarType::Bf16 => short_floats::encode(row, code, short_floats::to_bf16),
            ScalarType::Direct8 => code.iter_mut().zip(row).for_each(|(c, x)| *c = *x as i32 as u8),
            ScalarType::DirectSigned8 => {
                code.iter_mut().zip(row).for_each(|(c, x)| *c = (x + 128.0) as i32 as u8);
            }
            _ => {
                let steps = row.iter().zip(self.ranges()).map(|(x, range)| step(self.steps(), *x, range));
                packed_steps::pack(self.kind.bits(), steps, code);
            }
        }
    }

    /// Decodes codes `[n, code_size]`: `[n, d]`.
    pub fn decode(&self, codes: &[u8]) -> Vec<f32> {
        let mut rows = vec![0.0; codes.len() / self.code_size() * self.d];
        let codes = codes.chunks_exact(self.code_size());
        rows.chunks_exact_mut(self.d).zip(codes).for_each(|(row, code)| self.decode_row(code, row));
        rows
    }

    fn decode_row(&self, code: &[u8], row: &mut [f32]) {
        let bytes = row.iter_mut().zip(code);
        match self.kind {
            ScalarType::Fp16 => short_floats::decode(code, row, short_floats::of_fp16),
            ScalarType::Bf16 => short_floats::decode(code, row, short_floats::of_bf16),
            ScalarType::Direct8 => bytes.for_each(|(x, c)| *x = f32::from(*c)),
            ScalarType::DirectSigned8 => bytes.for_each(|(x, c)| *x = f32::from(*c) - 128.0),
            _ => {
                let steps = packed_steps::unpack(self.kind.bits(), code);
                self.decode_steps(row, steps);
            }
        }
    }

    fn decode_steps(&self, row: &mut [f32], steps: impl Iterator<Item = u8>) {
        // faiss fuses multiplication and addition if its registers divide the dimension.
        let fused = self.d.is_multiple_of(8);
        let count = f32::from(self.steps());
        for ((x, step), (vmin, vdiff)) in row.iter_mut().zip(steps).zip(self.ranges()) {
            let part = (f32::from(step) + 0.5) / count;
            *x = if fused { part.mul_add(vdiff, vmin) } else { part * vdiff + vmin };
        }
    }
}

/// Bytes of a code of `d` components.
pub(crate) fn code_size(kind: ScalarType, d: usize) -> usize {
    (d * kind.bits()).div_ceil(8)
}

/// Index of the step that contains a value; 0 for NaN. faiss multiplies by 255 in single precision, by 15 and
/// 63 in double precision.
fn step(steps: u8, x: f32, (vmin, vdiff): (f32, f32)) -> u8 {
    let part = if vdiff == 0.0 { 0.0 } else { (x - vmin) / vdiff };
    let part = part.clamp(0.0, 1.0);
    match steps {
        u8::MAX => (255.0 * part) as u8,
        steps => (f64::from(part) * f64::from(steps)) as u8,
    }
}
