//! Scalar quantiser of eight bits per dimension, faiss's `QT_8bit`.
//!
//! Each dimension is divided into 255 steps between the smallest and the largest training value. A byte `c`
//! decodes to the middle of its step, `vmin + (c + 0.5) / 255 * vdiff`.
//!
//! # File layout
//!
//! faiss's `IndexScalarQuantizer` (`IxSQ`) is the index header, the fields below, and the codes as a vector
//! of u8, `[ntotal, d]`. `IndexIVFScalarQuantizer` (`IwSq`) is the IVF header with coarse quantiser and
//! direct map, the fields below, `code_size` again as u64, `by_residual` as u8, and the inverted lists.
//!
//! | field | type | content |
//! |---|---|---|
//! | `qtype` | i32 | 0: eight bits, each dimension with its own range |
//! | `rangestat` | i32 | 0: minimum and maximum |
//! | `rangestat_arg` | f32 | 0; fraction by which the range is widened on both sides |
//! | `d` | u64 | |
//! | `code_size` | u64 | `d` |
//! | `trained` | vector of f32 | `[2, d]`: `vmin`, then `vdiff` |
//!
//! # Inverted files
//!
//! `IVF{n},SQ8` encodes residuals (`by_residual` is 1, for both metrics) and trains the quantiser on
//! residuals. Under L2 a cell's codes are compared with the query minus the cell's centroid. For the inner
//! product they are multiplied with the query itself, and the query's product with the centroid is added.

use rayon::prelude::*;
use simd::Level;

use crate::{
    error::{Error, Result},
    kernels::sq8::{Tables, distances},
    metric::Metric,
};

/// `qtype` of eight bits with one range per dimension.
pub(crate) const QT_8BIT: i32 = 0;

/// Number of steps of a range.
const STEPS: f32 = 255.0;

/// Trained ranges of the dimensions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScalarQuantiser {
    pub d: usize,
    /// Kept for the file; training always sets 0.
    pub rangestat: i32,
    pub rangestat_arg: f32,
    /// `[2, d]`: the minimum of every dimension, then the widths of the ranges.
    pub trained: Vec<f32>,
}

impl ScalarQuantiser {
    /// Computes the ranges of rows `[n, d]`.
    ///
    /// # Errors
    /// There are no rows.
    pub fn train(d: usize, rows: &[f32]) -> Result<Self> {
        if rows.len() < d {
            return Err(Error::TooFewPoints { what: "scalar quantiser", needed: 1, found: 0 });
        }
        let (mut vmin, mut vmax) = (rows[..d].to_vec(), rows[..d].to_vec());
        for row in rows.chunks_exact(d) {
            vmin.iter_mut().zip(row).for_each(|(vmin, x)| *vmin = vmin.min(*x));
            vmax.iter_mut().zip(row).for_each(|(vmax, x)| *vmax = vmax.max(*x));
        }
        let vdiff: Vec<f32> = vmin.iter().zip(&vmax).map(|(vmin, vmax)| vmax - vmin).collect();
        Ok(Self { d, rangestat: 0, rangestat_arg: 0.0, trained: [vmin, vdiff].concat() })
    }

    /// Checks that the sizes of fields read from a file agree.
    pub fn check(&self) -> Result<()> {
        if Some(self.trained.len()) != self.d.checked_mul(2) {
            let expected = format!("twice the dimension {}", self.d);
            return Err(Error::field("scalar quantiser trained", expected, self.trained.len()));
        }
        Ok(())
    }

    /// Bytes of one code.
    pub fn code_size(&self) -> usize {
        self.d
    }

    fn vmin(&self) -> &[f32] {
        &self.trained[..self.d]
    }

    fn vdiff(&self) -> &[f32] {
        &self.trained[self.d..]
    }

    /// Encodes rows `[n, d]`: `[n, d]` bytes.
    pub fn encode(&self, rows: &[f32]) -> Vec<u8> {
        let mut codes = vec![0; rows.len()];
        codes.par_chunks_exact_mut(self.d).zip(rows.par_chunks_exact(self.d)).for_each(|(codes, row)| {
            let ranges = self.vmin().iter().zip(self.vdiff());
            for ((code, x), (vmin, vdiff)) in codes.iter_mut().zip(row).zip(ranges) {
                *code = encode(*x, *vmin, *vdiff);
            }
        });
        codes
    }

    /// Decodes codes `[n, d]`: `[n, d]`.
    pub fn decode(&self, codes: &[u8]) -> Vec<f32> {
        // faiss fuses multiplication and addition if its registers divide the dimension.
        let fused = self.d.is_multiple_of(8);
        let mut rows = vec![0.0; codes.len()];
        rows.par_chunks_exact_mut(self.d).zip(codes.par_chunks_exact(self.d)).for_each(|(row, codes)| {
            let ranges = self.vmin().iter().zip(self.vdiff());
            for ((x, code), (vmin, vdiff)) in row.iter_mut().zip(codes).zip(ranges) {
                let part = (f32::from(*code) + 0.5) / STEPS;
                *x = if fused { part.mul_add(*vdiff, *vmin) } else { part * vdiff + vmin };
            }
        });
        rows
    }

    /// Prepares a query of `d` dimensions for [`Sq8Query::distances`].
    pub fn query(&self, metric: Metric, query: &[f32]) -> Sq8Query {
        let steps: Vec<f32> = self.vdiff().iter().map(|vdiff| vdiff / STEPS).collect();
        let base = |j: usize| f64::from(self.vmin()[j]) + 0.5 * f64::from(self.vdiff()[j]) / f64::from(STEPS);
        let bases = (0..self.d).map(base);
        match metric {
            Metric::L2 => {
                let shifted =
                    query.iter().zip(bases).map(|(&q, base)| (f64::from(q) - base) as f32).collect();
                Sq8Query::L2 { shifted, steps }
            }
            Metric::InnerProduct => {
                let bias = query.iter().zip(bases).map(|(&q, base)| f64::from(q) * base).sum::<f64>() as f32;
                let weights = query.iter().zip(steps).map(|(q, step)| q * step).collect();
                Sq8Query::InnerProduct { bias, weights }
            }
        }
    }
}

/// Index of the step that contains a value; 0 for NaN.
fn encode(x: f32, vmin: f32, vdiff: f32) -> u8 {
    let part = if vdiff == 0.0 { 0.0 } else { (x - vmin) / vdiff };
    (STEPS * part.clamp(0.0, 1.0)) as u8
}

/// Tables of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sq8Query {
    /// The query minus the middle of every dimension's first step, and the widths of the steps; both `[d]`.
    L2 { shifted: Vec<f32>, steps: Vec<f32> },
    /// The constant part of the inner product, and the factors of the bytes, `[d]`.
    InnerProduct { bias: f32, weights: Vec<f32> },
}

impl Sq8Query {
    /// Writes the squared distances to the codes `[out.len(), d]`, or inner products with them, to `out`.
    pub fn distances(&self, level: Level, codes: &[u8], out: &mut [f32]) {
        let tables = match self {
            Self::L2 { shifted, steps } => Tables::L2 { shifted, steps },
            Self::InnerProduct { bias, weights } => Tables::InnerProduct { bias: *bias, weights },
        };
        distances(level, tables, codes, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;
    use rand::RngExt;

    fn rows(n: usize, d: usize, seed: u64) -> Vec<f32> {
        let mut rng = seeded(seed, 0);
        (0..n * d).map(|i| rng.random_range(-1.0..1.0) * (1 + i % d) as f32).collect()
    }

    #[test]
    fn decoded_training_vectors_are_within_a_step() {
        for d in [1, 7, 16] {
            let rows = rows(300, d, 1);
            let sq = ScalarQuantiser::train(d, &rows).expect("trains");
            let decoded = sq.decode(&sq.encode(&rows));
            for (i, (x, y)) in rows.iter().zip(&decoded).enumerate() {
                let step = sq.vdiff()[i % d] / 255.0;
                assert!((x - y).abs() <= step * 0.501 || sq.encode(&rows)[i] == 255, "{x} {y} of {step}");
            }
        }
    }

    #[test]
    fn codes_are_truncated_and_clamped() {
        let sq = ScalarQuantiser::train(1, &[0.0, 255.0]).expect("trains");
        let values = [-9.0, 0.0, 0.99, 1.0, 254.0, 255.0, 300.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        assert_eq!(sq.encode(&values), [0, 0, 0, 1, 254, 255, 255, 0, 255, 0]);
        assert_eq!(sq.decode(&[0, 1, 255]), [0.5, 1.5, 255.5]);
    }

    #[test]
    fn a_constant_dimension_is_decoded_exactly() {
        let sq = ScalarQuantiser::train(2, &[1.5, 0.0, 1.5, 1.0]).expect("trains");
        assert_eq!(sq.encode(&[7.0, 0.0]), [0, 0]);
        assert_eq!(sq.decode(&[0, 0])[0], 1.5);
    }

    #[test]
    fn distances_are_those_to_the_decoded_vectors() {
        for (d, n) in [(1, 3), (13, 40), (64, 10)] {
            let sq = ScalarQuantiser::train(d, &rows(100, d, 1)).expect("trains");
            let (codes, query) = (sq.encode(&rows(n, d, 2)), rows(1, d, 3));
            let decoded = sq.decode(&codes);
            for metric in [Metric::L2, Metric::InnerProduct] {
                let mut out = vec![0.0; n];
                sq.query(metric, &query).distances(Level::detected(), &codes, &mut out);
                for (out, vector) in out.iter().zip(decoded.chunks(d)) {
                    let expected = metric.distance(&query, vector);
                    let scale: f32 = query.iter().zip(vector).map(|(a, b)| a * a + b * b).sum();
                    assert!((out - expected).abs() <= 1e-5 * scale, "{metric} {d}: {out}, {expected}");
                }
            }
        }
    }

    #[test]
    fn inconsistent_sizes_are_errors() {
        assert!(ScalarQuantiser::train(2, &[]).is_err());
        let sq = ScalarQuantiser::train(2, &[1.0, 2.0]).expect("trains");
        assert!(sq.check().is_ok());
        assert!(ScalarQuantiser { d: 3, ..sq }.check().is_err());
    }
}
