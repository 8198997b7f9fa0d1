//! Matrices whose rows are 0 but for a band, and products of images with them.

use rayon::prelude::*;

use crate::raw::Level;

/// Columns that a task takes of an image at once: with a band of rows they stay in the second-level cache.
const COLUMNS: usize = 4096;

/// A matrix `[to, from]` whose rows are 0 but for a run of values, as resizing and its transpose are.
#[derive(Debug, Clone, PartialEq)]
pub struct Bands {
    from: usize,
    /// `[to]`: where the run begins, and its values.
    rows: Vec<(usize, Vec<f32>)>,
}

impl Bands {
    /// A matrix of `rows`, each where its run begins and the values of the run.
    ///
    /// # Panics
    ///
    /// Where a run ends behind column `from`.
    pub fn new(from: usize, rows: Vec<(usize, Vec<f32>)>) -> Self {
        assert!(rows.iter().all(|(first, run)| first + run.len() <= from), "runs within {from} columns");
        Self { from, rows }
    }

    /// Number of rows.
    pub fn to(&self) -> usize {
        self.rows.len()
    }

    /// Number of columns.
    pub fn from(&self) -> usize {
        self.from
    }

    /// All values, row-major `[to, from]`.
    pub fn dense(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.to() * self.from];
        for ((first, run), row) in self.rows.iter().zip(values.chunks_exact_mut(self.from.max(1))) {
            row[*first..*first + run.len()].copy_from_slice(run);
        }
        values
    }

    /// The transpose, `[from, to]`: its rows are 0 outside of what lies between their first and last values.
    pub fn transposed(&self) -> Self {
        let mut rows = vec![(0, Vec::new()); self.from];
        for (to, (first, run)) in self.rows.iter().enumerate() {
            for ((start, values), &x) in rows[*first..].iter_mut().zip(run) {
                if values.is_empty() {
                    *start = to;
                }
                values.resize(to - *start, 0.0);
                values.push(x);
            }
        }
        Self { from: self.to(), rows }
    }

    /// The product with every plane: `[planes, to, width]` of `[planes, from, width]`.
    pub(crate) fn times_rows(&self, level: Level, values: &[f32], width: usize, out: &mut [f32]) {
        out.par_chunks_mut(width).enumerate().for_each(|(place, out)| {
            let (plane, row) = (place / self.to(), place % self.to());
            let (first, run) = &self.rows[row];
            let start = (plane * self.from + first) * width;
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

    /// The product of every row with the transpose: `[rows, to]` of `[rows, from]`.
    pub(crate) fn times_columns(&self, level: Level, values: &[f32], out: &mut [f32]) {
        let rows = out.par_chunks_mut(self.to()).zip(values.par_chunks(self.from));
        rows.for_each(|(out, values)| {
            level.run(
                #[inline(always)]
                || {
                    for (out, (first, run)) in out.iter_mut().zip(&self.rows) {
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

    fn random(rng: &mut ChaCha8Rng, to: usize, from: usize) -> Bands {
        let row = |_| {
            let first = rng.random_range(0..=from);
            let run = (0..rng.random_range(0..=from - first)).map(|_| rng.random_range(-1.0..1.0));
            (first, run.collect())
        };
        Bands::new(from, (0..to).map(row).collect())
    }

    #[test]
    fn a_transpose_has_rows_for_columns() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (to, from) in [(1, 1), (5, 9), (9, 5), (1, 30)] {
            let bands = random(&mut rng, to, from);
            let (dense, transposed) = (bands.dense(), bands.transposed());
            assert_eq!((transposed.to(), transposed.from()), (from, to));
            for (i, x) in transposed.dense().into_iter().enumerate() {
                assert_eq!(x, dense[i % to * from + i / to]);
            }
        }
    }

    #[test]
    fn products_are_those_of_the_dense_matrix() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (to, from, width) in [(4, 7, 3), (7, 4, 5000), (3, 1, 1)] {
            let (bands, planes) = (random(&mut rng, to, from), 2);
            let values: Vec<f32> = (0..planes * from * width).map(|_| rng.random_range(-1.0..1.0)).collect();
            let dense = bands.dense();
            let weight = |row: usize, column: usize| f64::from(dense[row * from + column]);
            for level in Level::available() {
                let mut out = vec![f32::NAN; planes * to * width];
                bands.times_rows(level, &values, width, &mut out);
                for (place, &found) in out.iter().enumerate() {
                    let (plane, row, column) = (place / width / to, place / width % to, place % width);
                    let value = |i: usize| f64::from(values[(plane * from + i) * width + column]);
                    let expected: f64 = (0..from).map(|i| weight(row, i) * value(i)).sum();
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{}", level.name());
                }
                let mut out = vec![f32::NAN; values.len() / from * to];
                bands.times_columns(level, &values, &mut out);
                for (place, &found) in out.iter().enumerate() {
                    let value = |i: usize| f64::from(values[place / to * from + i]);
                    let expected: f64 = (0..from).map(|i| weight(place % to, i) * value(i)).sum();
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{}", level.name());
                }
            }
        }
    }
}
