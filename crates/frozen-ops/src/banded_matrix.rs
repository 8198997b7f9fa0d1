//! Banded matrices, and their products with images.

use rayon::prelude::*;
use simd::Level;

/// Number of columns of an image that a task takes at once: with a band of rows they stay in the second-level cache.
const COLUMNS: usize = 4096;

/// Matrix each of whose rows is 0 outside of a run of values, such as a resize and its transpose.
#[derive(Debug, Clone, PartialEq)]
pub struct BandedMatrix {
    columns: usize,
    /// First column and values of the run of each row, `[rows]`.
    runs: Vec<(usize, Vec<f32>)>,
}

impl BandedMatrix {
    /// Takes the first column and the values of the run of each row.
    ///
    /// # Panics
    /// If a run ends beyond the last column.
    pub fn new(columns: usize, runs: Vec<(usize, Vec<f32>)>) -> Self {
        assert!(
            runs.iter().all(|(first, run)| first + run.len() <= columns),
            "runs within {columns} columns"
        );
        Self { columns, runs }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.runs.len()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns all values, row-major `[rows, columns]`.
    pub fn dense(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.rows() * self.columns];
        for ((first, run), row) in self.runs.iter().zip(values.chunks_exact_mut(self.columns.max(1))) {
            row[*first..*first + run.len()].copy_from_slice(run);
        }
        values
    }

    /// Returns the transpose. Its runs reach from the first to the last value of each column.
    pub fn transposed(&self) -> Self {
        let mut runs = vec![(0, Vec::new()); self.columns];
        for (row, (first, run)) in self.runs.iter().enumerate() {
            for ((start, values), &x) in runs[*first..].iter_mut().zip(run) {
                if values.is_empty() {
                    *start = row;
                }
                values.resize(row - *start, 0.0);
                values.push(x);
            }
        }
        Self { columns: self.rows(), runs }
    }

    /// Multiplies every plane from the left: `[planes, rows, width]` of `[planes, columns, width]`.
    pub(crate) fn times_rows(&self, level: Level, values: &[f32], width: usize, out: &mut [f32]) {
        out.par_chunks_mut(width).enumerate().for_each(|(place, out)| {
            let (plane, row) = (place / self.rows(), place % self.rows());
            let (first, run) = &self.runs[row];
            let start = (plane * self.columns + first) * width;
            level.run(
                #[inline(always)]
                || {
                    for (piece, out) in out.chunks_mut(COLUMNS).enumerate() {
                        out.fill(0.0);
                        let rows = values[start..].chunks_exact(width).zip(run);
                        for (row, &weight) in rows {
                            let row = &row[piece * COLUMNS..][..out.len()];
                            out.iter_mut().zip(row).for_each(|(out, x)| *out += weight * x);
                        }
                    }
                },
            );
        });
    }

    /// Multiplies values by the transpose from the right: `[n, rows]` of `[n, columns]`.
    pub(crate) fn times_columns(&self, level: Level, values: &[f32], out: &mut [f32]) {
        let rows = out.par_chunks_mut(self.rows()).zip(values.par_chunks(self.columns));
        rows.for_each(|(out, values)| {
            level.run(
                #[inline(always)]
                || {
                    for (out, (first, run)) in out.iter_mut().zip(&self.runs) {
                        *out = run.iter().zip(&values[*first..]).map(|(weight, x)| weight * x).sum();
                    }
                },
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(rng: &mut ChaCha8Rng, rows: usize, columns: usize) -> BandedMatrix {
        let row = |_| {
            let first = rng.random_range(0..=columns);
            let run = (0..rng.random_range(0..=columns - first)).map(|_| rng.random_range(-1.0..1.0));
            (first, run.collect())
        };
        BandedMatrix::new(columns, (0..rows).map(row).collect())
    }

    #[test]
    fn a_transpose_has_rows_for_columns() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (to, from) in [(1, 1), (5, 9), (9, 5), (1, 30)] {
            let matrix = random(&mut rng, to, from);
            let (dense, transposed) = (matrix.dense(), matrix.transposed());
            assert_eq!((transposed.rows(), transposed.columns()), (from, to));
            for (i, x) in transposed.dense().into_iter().enumerate() {
                assert_eq!(x, dense[i % to * from + i / to]);
            }
        }
    }

    #[test]
    fn products_are_those_of_the_dense_matrix() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (to, from, width) in [(4, 7, 3), (7, 4, 5000), (3, 1, 1)] {
            let (matrix, planes) = (random(&mut rng, to, from), 2);
            let values: Vec<f32> = (0..planes * from * width).map(|_| rng.random_range(-1.0..1.0)).collect();
            let dense = matrix.dense();
            let weight = |row: usize, column: usize| f64::from(dense[row * from + column]);
            for level in Level::available() {
                let mut out = vec![f32::NAN; planes * to * width];
                matrix.times_rows(level, &values, width, &mut out);
                for (place, &found) in out.iter().enumerate() {
                    let (plane, row, column) = (place / width / to, place / width % to, place % width);
                    let value = |i: usize| f64::from(values[(plane * from + i) * width + column]);
                    let expected: f64 = (0..from).map(|i| weight(row, i) * value(i)).sum();
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{}", level.name());
                }
                let mut out = vec![f32::NAN; values.len() / from * to];
                matrix.times_columns(level, &values, &mut out);
                for (place, &found) in out.iter().enumerate() {
                    let value = |i: usize| f64::from(values[place / to * from + i]);
                    let expected: f64 = (0..from).map(|i| weight(place % to, i) * value(i)).sum();
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{}", level.name());
                }
            }
        }
    }
}
