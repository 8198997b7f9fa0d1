//! The linear transform before the signs are taken.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::kmeans::seeded;
use crate::metric::inner_product;
use crate::{Error, Result};

/// Random stream of the rotation under the seed.
const STREAM: u64 = 1 << 32;

/// faiss's `RandomRotationMatrix`: `y = A x + b`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rotation {
    pub d_in: usize,
    pub d_out: usize,
    pub have_bias: bool,
    /// `[d_out, d_in]`; empty before training.
    pub a: Vec<f32>,
    /// `[d_out]` with `have_bias`, otherwise empty.
    pub b: Vec<f32>,
}

impl Rotation {
    /// As faiss writes it where the vectors are not rotated.
    pub fn untrained(d_in: usize, d_out: usize) -> Self {
        Self { d_in, d_out, have_bias: false, a: Vec::new(), b: Vec::new() }
    }

    /// Orthonormal rows where `d_out <= d_in`, orthonormal columns otherwise.
    pub fn random(d_in: usize, d_out: usize, seed: u64) -> Self {
        let mut rng = seeded(seed, STREAM);
        let vectors = orthonormal(d_in.min(d_out), d_in.max(d_out), &mut rng);
        let at = |row: usize, column: usize| {
            if d_out <= d_in { vectors[row][column] } else { vectors[column][row] }
        };
        let a = (0..d_out * d_in).map(|i| at(i / d_in, i % d_in) as f32).collect();
        Self { a, ..Self::untrained(d_in, d_out) }
    }

    /// Whether the sizes are those of a transform of `d` dimensions to `nbits`.
    pub fn check(&self, d: usize, nbits: usize, trained: bool) -> Result<()> {
        let size = |rows: usize, columns: usize| rows.checked_mul(columns);
        let a = if trained { size(nbits, d) } else { Some(self.a.len()) };
        let b = if self.have_bias { nbits } else { 0 };
        let found = (self.d_in, self.d_out, Some(self.a.len()), self.b.len());
        if found != (d, nbits, a, b) {
            let found =
                format!("{:?} with {} and {} values", (self.d_in, self.d_out), self.a.len(), self.b.len());
            return Err(Error::field("LSH rotation", format!("from {d} to {nbits} dimensions"), found));
        }
        Ok(())
    }

    /// `A x + b` of every row: `[n, d_out]` of `[n, d_in]`.
    pub fn apply(&self, rows: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() / self.d_in * self.d_out];
        out.par_chunks_exact_mut(self.d_out).zip(rows.par_chunks_exact(self.d_in)).for_each(|(out, row)| {
            for (out, a) in out.iter_mut().zip(self.a.chunks_exact(self.d_in)) {
                *out = inner_product(a, row);
            }
            if self.have_bias {
                out.iter_mut().zip(&self.b).for_each(|(out, b)| *out += b);
            }
        });
        out
    }

    /// `A^T (y - b)` of every row: `[n, d_in]` of `[n, d_out]`; the inverse where the columns are
    /// orthonormal.
    pub fn reverse(&self, rows: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() / self.d_out * self.d_in];
        out.par_chunks_exact_mut(self.d_in).zip(rows.par_chunks_exact(self.d_out)).for_each(|(out, row)| {
            for (j, (y, a)) in row.iter().zip(self.a.chunks_exact(self.d_in)).enumerate() {
                let y = if self.have_bias { y - self.b[j] } else { *y };
                out.iter_mut().zip(a).for_each(|(out, a)| *out += y * a);
            }
        });
        out
    }
}

/// `n` orthonormal vectors of dimension `d >= n`, uniformly distributed: Gaussian ones, orthogonalised in
/// turn.
fn orthonormal(n: usize, d: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(n);
    while vectors.len() < n {
        let mut vector: Vec<f64> = (0..d).map(|_| gaussian(rng)).collect();
        let drawn = norm(&vector);
        // One pass leaves a rounding error of the size of the cancellation, the second removes it.
        for _ in 0..2 {
            vectors.iter().for_each(|other| remove(&mut vector, other));
        }
        let left = norm(&vector);
        if left > 1e-6 * drawn {
            vector.iter_mut().for_each(|value| *value /= left);
            vectors.push(vector);
        }
    }
    vectors
}

/// Removes the component along a unit vector.
fn remove(vector: &mut [f64], unit: &[f64]) {
    let along = dot(vector, unit);
    vector.iter_mut().zip(unit).for_each(|(value, unit)| *value -= along * unit);
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

/// In eight partial sums, which the compiler turns into SIMD.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// Standard normal, by Box and Muller.
fn gaussian(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest difference of `A A^T`, or of `A^T A`, from the identity, in double precision.
    fn defect(rotation: &Rotation, rows: bool) -> f64 {
        let Rotation { d_in, d_out, a, .. } = rotation;
        let n = if rows { *d_out } else { *d_in };
        let at = |i: usize, j: usize| f64::from(if rows { a[i * d_in + j] } else { a[j * d_in + i] });
        let product = |i: usize, j: usize| (0..d_in * d_out / n).map(|k| at(i, k) * at(j, k)).sum::<f64>();
        let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        pairs.map(|(i, j)| (product(i, j) - f64::from(u8::from(i == j))).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn rows_are_orthonormal_where_they_can_be_and_columns_otherwise() {
        for (d_in, d_out) in [(16, 16), (40, 7), (7, 40), (1, 3), (1, 1)] {
            let rotation = Rotation::random(d_in, d_out, 5);
            assert_eq!(rotation.a.len(), d_in * d_out);
            assert!(defect(&rotation, d_out <= d_in) < 1e-6, "{d_in} to {d_out}");
            assert!(rotation.check(d_in, d_out, true).is_ok());
        }
        assert_ne!(Rotation::random(8, 8, 5), Rotation::random(8, 8, 6));
    }

    #[test]
    fn reverse_undoes_apply_also_with_a_bias() {
        let mut rotation = Rotation::random(6, 9, 5);
        rotation.have_bias = true;
        rotation.b = (0..9).map(|i| i as f32).collect();
        let rows: Vec<f32> = (0..12).map(|i| (i as f32).sin()).collect();
        let back = rotation.reverse(&rotation.apply(&rows));
        assert!(rows.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-5), "{back:?}");
    }
}
