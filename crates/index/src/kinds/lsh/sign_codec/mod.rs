//! Locality-sensitive hashing: one bit per hyperplane, compared by Hamming distance.
//!
//! Bit `j` of a vector `x` is set if `(A x + b)_j >= thresholds_j`. Without rotation, `A x` is the first
//! `nbits` components; with it, `A` is random, with orthonormal rows if `nbits <= d` and orthonormal columns
//! otherwise. Untrained thresholds are 0, trained ones the medians of the training vectors.
//!
//! # File layout
//!
//! faiss's `IndexLSH`; all numbers little-endian, a vector is its length as u64 and then its elements.
//!
//! | field | type | content |
//! |---|---|---|
//! | fourcc | `IxHe` | |
//! | index header | as everywhere | metric always L2 |
//! | `nbits` | i32 | bits of a code |
//! | `rotate_data` | u8 | 0 or 1 |
//! | `train_thresholds` | u8 | 0 or 1 |
//! | `thresholds` | vector of f32 | `nbits` values, or none without `train_thresholds` |
//! | `code_size` | i32 | `ceil(nbits / 8)` |
//! | transform fourcc | `rrot` | written without rotation too |
//! | `have_bias` | u8 | 0 |
//! | `A` | vector of f32 | `[nbits, d]`; empty without rotation |
//! | `b` | vector of f32 | empty |
//! | `d_in`, `d_out` | i32 each | `d` and `nbits` |
//! | `is_trained` | u8 | of the transform: 1 if `A` is present |
//! | codes | vector of u8 | `[ntotal, code_size]`, bit `j` at bit `j % 8` of byte `j / 8` |

use rayon::prelude::*;
use simd::Level;

use super::hamming_scan::{Codes, Hit};
use crate::{
    error::{Error, Result},
    metric::Metric,
    quantise::{
        hyperplanes::Hyperplanes,
        transform::{Linear, random_rotation},
    },
    search::Neighbours,
};

/// Rows projected together.
const ENCODED_TOGETHER: usize = 64;

/// Distance reported for a neighbour that does not exist, the largest i32, as in faiss's `IndexLSH`.
const MISSING_DISTANCE: f32 = i32::MAX as f32;

/// Settings of an LSH quantiser to train.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignCodecConfig {
    pub d: usize,
    /// Bits of a code.
    pub nbits: usize,
    /// `r` in the factory string.
    pub rotate_data: bool,
    /// `t` in the factory string.
    pub train_thresholds: bool,
    pub seed: u64,
}

/// Hyperplanes; the caller stores the codes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignCodec {
    pub d: usize,
    pub nbits: usize,
    pub train_thresholds: bool,
    /// `[nbits]` with `train_thresholds`, otherwise empty.
    pub thresholds: Vec<f32>,
    /// Rotation from `d` to `nbits` dimensions; `None` to take the first `nbits` components.
    pub rotation: Option<Linear>,
}

impl SignCodec {
    /// Draws the rotation and computes the thresholds from `rows`, `[n, d]`.
    ///
    /// # Errors
    /// No bits, more bits than dimensions without rotation, or no rows for the medians.
    pub fn train(config: &SignCodecConfig, rows: &[f32]) -> Result<Self> {
        let SignCodecConfig { d, nbits, rotate_data, train_thresholds, seed } = *config;
        let rotation = rotate_data.then(|| random_rotation(d, nbits, seed)).transpose()?;
        let mut codec = Self { d, nbits, train_thresholds: false, thresholds: Vec::new(), rotation };
        codec.check()?;
        if train_thresholds {
            if rows.is_empty() {
                return Err(Error::TooFewPoints { what: "LSH thresholds", needed: 1, found: 0 });
            }
            codec.thresholds = medians(&codec.project(rows), nbits);
            codec.train_thresholds = true;
        }
        Ok(codec)
    }

    /// Checks that the sizes of fields read from a file agree.
    pub fn check(&self) -> Result<()> {
        if self.nbits == 0 {
            return Err(Error::field("LSH nbits", "at least 1", 0));
        }
        if self.rotation.is_none() && self.nbits > self.d {
            let expected = format!("at most the dimension {} without rotation", self.d);
            return Err(Error::field("LSH nbits", expected, self.nbits));
        }
        let thresholds = if self.train_thresholds { self.nbits } else { 0 };
        if self.thresholds.len() != thresholds {
            return Err(Error::field("LSH thresholds", thresholds, self.thresholds.len()));
        }
        let (d, nbits) = self.rotation.as_ref().map_or((self.d, self.nbits), |r| (r.d_in(), r.d_out()));
        if (d, nbits) != (self.d, self.nbits) {
            let expected = format!("from {} to {} dimensions", self.d, self.nbits);
            return Err(Error::field("LSH rotation", expected, format!("from {d} to {nbits}")));
        }
        Ok(())
    }

    /// Bytes of one code.
    pub fn code_size(&self) -> usize {
        self.nbits.div_ceil(8)
    }

    /// Projects rows `[n, d]` by `A x + b`: `[n, nbits]`.
    fn project(&self, rows: &[f32]) -> Vec<f32> {
        if let Some(rotation) = &self.rotation {
            return rotation.apply_on_host(rows);
        }
        rows.chunks_exact(self.d).flat_map(|row| &row[..self.nbits]).copied().collect()
    }

    /// Encodes rows `[n, d]`: `[n, code_size]`.
    pub fn encode(&self, rows: &[f32]) -> Vec<u8> {
        let code_size = self.code_size();
        let mut codes = vec![0; rows.len() / self.d * code_size];
        let blocks = codes.par_chunks_mut(ENCODED_TOGETHER * code_size);
        blocks.zip(rows.par_chunks(ENCODED_TOGETHER * self.d)).for_each(|(codes, rows)| {
            let projected = self.project(rows);
            let rows = codes.chunks_exact_mut(code_size).zip(projected.chunks_exact(self.nbits));
            rows.for_each(|(code, row)| self.encode_row(row, code));
        });
        codes
    }

    fn encode_row(&self, projected: &[f32], code: &mut [u8]) {
        for (j, &value) in projected.iter().enumerate() {
            code[j / 8] |= u8::from(value >= self.threshold(j)) << (j % 8);
        }
    }

    fn threshold(&self, j: usize) -> f32 {
        self.thresholds.get(j).copied().unwrap_or(0.0)
    }

    /// Decodes codes `[n, code_size]` to vectors `[n, d]`: the thresholds plus or minus 1, rotated back.
    /// Dimensions without a bit are 0; faiss leaves them uninitialised.
    pub fn decode(&self, codes: &[u8]) -> Vec<f32> {
        let mut signs = self.sides(codes);
        for row in signs.chunks_exact_mut(self.nbits) {
            row.iter_mut().zip(&self.thresholds).for_each(|(sign, threshold)| *sign += threshold);
        }
        if let Some(rotation) = &self.rotation {
            return rotation.reverse_on_host(&signs);
        }
        let mut rows = vec![0.0; signs.len() / self.nbits * self.d];
        for (row, signs) in rows.chunks_exact_mut(self.d).zip(signs.chunks_exact(self.nbits)) {
            row[..self.nbits].copy_from_slice(signs);
        }
        rows
    }

    /// Finds the `k` of `codes` `[ntotal, code_size]` nearest to each of `queries` `[n, code_size]` by
    /// Hamming distance, ties in order of position.
    ///
    /// # Errors
    /// `k` is 0, or the results do not fit in memory.
    pub fn search(&self, codes: &[u8], queries: &[u8], k: usize) -> Result<Neighbours> {
        let code_size = self.code_size();
        let mut found = Neighbours::missing(queries.len() / code_size, k, Metric::L2)?;
        found.distances.fill(MISSING_DISTANCE);
        let nearest = Codes { code_size, bytes: codes }.nearest(Level::detected(), queries, k);
        let rows = found.distances.chunks_exact_mut(k).zip(found.ids.chunks_exact_mut(k));
        for ((distances, ids), hits) in rows.zip(nearest) {
            for ((distance, id), Hit { distance: bits, position }) in distances.iter_mut().zip(ids).zip(hits)
            {
                (*distance, *id) = (bits as f32, position as i64);
            }
        }
        Ok(found)
    }

    /// Sides of the hyperplanes for codes `[n, code_size]`: `[n, nbits]`, 1 if the bit is set, else -1.
    pub fn sides(&self, codes: &[u8]) -> Vec<f32> {
        codes.chunks_exact(self.code_size()).flat_map(|code| self.sides_of(code)).collect()
    }

    fn sides_of(&self, code: &[u8]) -> impl Iterator<Item = f32> {
        (0..self.nbits).map(move |j| if code[j / 8] >> (j % 8) & 1 == 1 { 1.0 } else { -1.0 })
    }

    /// Hyperplanes of the bits: bit `j` of `x` is set if `normals_j . x >= offsets_j`.
    pub fn hyperplanes(&self) -> Hyperplanes {
        let thresholds = (0..self.nbits).map(|j| self.threshold(j));
        let Some(rotation) = &self.rotation else {
            return Hyperplanes { normals: identity(self.nbits, self.d), offsets: thresholds.collect() };
        };
        let bias = |j: usize| rotation.b().get(j).unwrap_or(&0.0);
        let offsets = thresholds.enumerate().map(|(j, threshold)| threshold - bias(j));
        Hyperplanes { normals: rotation.a().to_vec(), offsets: offsets.collect() }
    }
}

/// First rows of an identity matrix: `[rows, columns]`.
fn identity(rows: usize, columns: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; rows * columns];
    matrix.iter_mut().step_by(columns + 1).take(rows.min(columns)).for_each(|value| *value = 1.0);
    matrix
}

/// Medians of the columns of `[n, nbits]`; for an even number of values, the mean of the middle two.
fn medians(projected: &[f32], nbits: usize) -> Vec<f32> {
    let n = projected.len() / nbits;
    let median = |j: usize| {
        let mut column: Vec<f32> = projected.iter().skip(j).step_by(nbits).copied().collect();
        column.sort_unstable_by(f32::total_cmp);
        if n % 2 == 1 { column[n / 2] } else { (column[n / 2 - 1] + column[n / 2]) / 2.0 }
    };
    (0..nbits).into_par_iter().map(median).collect()
}

#[cfg(test)]
mod tests;
