//! Orthonormal matrices: random matrices, eigenvectors, and the polar factor.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};

/// Most QR steps per eigenvalue; two or three are usual.
const STEPS_PER_EIGENVALUE: usize = 100;

/// Draws a matrix `[rows, columns]` uniformly among those with orthonormal rows, or orthonormal columns if
/// there are more rows than columns (Stewart, SIAM J. Numer. Anal. 1980).
pub(super) fn random(rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> DMatrix<f64> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    // The signs of `q` make the diagonal of `r` non-negative.
    let q = DMatrix::from_fn(long, short, |_, _| gaussian(rng)).qr().q();
    if rows < columns { q.transpose() } else { q }
}

/// Draws a standard normal number (Box-Muller).
fn gaussian(rng: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// Eigenvalues and eigenvectors of a symmetric matrix.
pub(super) struct Eigen {
    /// Eigenvalues `[d]`, descending.
    pub values: Vec<f64>,
    /// Eigenvectors `[d, d]`; column `i` belongs to value `i`.
    pub vectors: DMatrix<f64>,
}

/// Computes the eigenvalues and eigenvectors of a symmetric matrix.
///
/// # Errors
/// A value that is not finite, or no convergence.
pub(super) fn symmetric_eigen(matrix: DMatrix<f64>) -> Result<Eigen> {
    let d = matrix.nrows();
    if matrix.iter().any(|value| !value.is_finite()) {
        let expected = "small enough for their squares to be summed in float32";
        return Err(Error::argument("training vectors", expected, "an overflow"));
    }
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, STEPS_PER_EIGENVALUE * d)
        .ok_or_else(|| Error::argument("training vectors", "of a covariance with eigenvalues", "none"))?;
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
    let values = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    Ok(Eigen { values, vectors: eigen.eigenvectors.select_columns(&order) })
}

/// Polar factor `U V^T` of the singular value decomposition `U S V^T`: the matrix nearest to `matrix` among
/// those with orthonormal rows (columns, if there are more rows than columns), and the `R` that maximises
/// `tr(R^T matrix)`.
///
/// `U` are the eigenvectors of `matrix matrix^T`, and a QR decomposition of `matrix^T U = V S` gives `V`,
/// even if singular values vanish. For d = 512 this takes a sixth of the time of `nalgebra`'s decomposition;
/// singular vectors below about 1e-8 of the largest singular value are mixed, which changes the trace equally
/// little.
pub(super) fn polar(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    if matrix.nrows() > matrix.ncols() {
        return Ok(polar(&matrix.transpose())?.transpose());
    }
    let transposed = matrix.transpose();
    let u = symmetric_eigen(matrix * &transposed)?.vectors;
    // The diagonal of `r` is non-negative, so the columns of `q` keep the directions of `v s`.
    let v = (transposed * &u).qr().q();
    Ok(u * v.transpose())
}

/// Values in row-major order.
pub(super) fn to_rows(matrix: &DMatrix<f64>) -> Vec<f32> {
    // nalgebra stores columns contiguously.
    matrix.transpose().iter().map(|&value| value as f32).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;

    /// Largest deviation of `A A^T`, or of `A^T A` if that is smaller, from the identity.
    pub fn deviation(a: &DMatrix<f64>) -> f64 {
        let gram = if a.nrows() <= a.ncols() { a * a.transpose() } else { a.transpose() * a };
        let identity = DMatrix::identity(gram.nrows(), gram.nrows());
        (gram - identity).amax()
    }

    #[test]
    fn random_matrices_are_orthonormal_and_follow_the_seed() {
        for (rows, columns) in [(1, 1), (5, 5), (3, 8), (8, 3)] {
            let a = random(rows, columns, &mut seeded(3, 0));
            assert_eq!(a.shape(), (rows, columns));
            assert!(deviation(&a) < 1e-14);
            assert_eq!(a, random(rows, columns, &mut seeded(3, 0)));
            assert!((a - random(rows, columns, &mut seeded(4, 0))).amax() > 1e-3 || rows * columns == 1);
        }
    }

    #[test]
    fn random_matrices_have_no_preferred_direction() {
        let mut rng = seeded(5, 0);
        let mean = (0..4000).map(|_| random(3, 3, &mut rng)).sum::<DMatrix<f64>>() / 4000.0;
        // Each entry has variance 1/3: a standard error of 0.009.
        assert!(mean.amax() < 0.05, "{mean}");
    }

    #[test]
    fn polar_agrees_with_the_singular_value_decomposition() {
        let mut rng = seeded(7, 0);
        for (rows, columns) in [(1, 1), (6, 6), (4, 9), (9, 4)] {
            let m = DMatrix::from_fn(rows, columns, |_, _| gaussian(&mut rng));
            let svd = m.clone().svd(true, true);
            let expected = svd.u.expect("requested") * svd.v_t.expect("requested");
            assert!((polar(&m).expect("finite") - expected).amax() < 1e-10, "{rows} {columns}");
        }
    }

    #[test]
    fn polar_of_a_deficient_matrix_is_orthonormal_and_optimal() {
        let mut rng = seeded(8, 0);
        for rank in 0..6 {
            let m = random(6, rank, &mut rng)
                * DMatrix::from_fn(rank, 6, |i, _| gaussian(&mut rng) * 10f64.powi(-(i as i32)));
            let r = polar(&m).expect("finite");
            assert!(deviation(&r) < 1e-12, "rank {rank}");
            let trace = (r.transpose() * &m).trace();
            let nuclear: f64 = m.singular_values().sum();
            assert!((trace - nuclear).abs() < 1e-7, "rank {rank}: {trace} {nuclear}");
        }
    }

    #[test]
    fn eigenvalues_descend_and_infinity_is_an_error() {
        let m = DMatrix::from_row_slice(3, 3, &[2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 7.0]);
        let eigen = symmetric_eigen(m.clone()).expect("finite");
        for (value, expected) in eigen.values.iter().zip([7.0, 3.0, 1.0]) {
            assert!((value - expected).abs() < 1e-12);
        }
        assert!(
            (&m * &eigen.vectors - &eigen.vectors * DMatrix::from_diagonal(&eigen.values.into())).amax()
                < 1e-12
        );
        assert!(symmetric_eigen(m * f64::INFINITY).is_err());
    }
}
