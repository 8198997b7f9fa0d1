//! Principal component analysis.

use burn::tensor::Device;
use nalgebra::DMatrix;

use super::{
    linear::Linear,
    orthonormal::{random, symmetric_eigen, to_rows},
    sample::{Sample, cross_product},
};
use crate::{
    error::{Error, Result},
    quantise::random_streams::{TRANSFORM_STREAM, seeded},
    vectors::check_rows,
};

/// Training vectors above this times their dimension are subsampled, as in faiss.
const MAX_POINTS_PER_D: usize = 1000;

/// Fields of faiss's `PCAMatrix`. Only `linear` is applied; the others record the training.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pca {
    /// The rows of `A` are the first components, each scaled by `(eigenvalue + epsilon)^eigen_power`, then
    /// rotated if `random_rotation` is true; `b = -A mean`.
    pub linear: Linear,
    /// Exponent of the eigenvalues: 0 for no scaling, -0.5 for whitening.
    pub eigen_power: f32,
    pub epsilon: f32,
    pub random_rotation: bool,
    /// Number of bins of equal variance into which the components were sorted; 0 for sorting by variance
    /// alone.
    pub balanced_bins: i32,
    /// Mean of the training vectors, `[d_in]`.
    pub mean: Vec<f32>,
    /// Eigenvalues `[d_in]` of the centred vectors' scatter matrix `X^T X` (not divided by `n`), descending.
    pub eigenvalues: Vec<f32>,
    /// Components in rows, `[d_in, d_in]`; `[n, d_in]` if faiss trained on `n < d_in` vectors.
    pub components: Vec<f32>,
}

/// Settings of the training of a [`Pca`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct PcaConfig {
    pub d_out: usize,
    /// Rotates the output at random, which balances the variances of its dimensions.
    pub random_rotation: bool,
    pub seed: u64,
}

impl PcaConfig {
    /// Computes the components of `rows` `[n, d_in]`.
    ///
    /// # Errors
    /// `d_out` is not in `1..=d_in`; no rows, or values that are not finite or too large to be squared.
    pub fn train(&self, rows: &[f32], d_in: usize, device: &Device) -> Result<Pca> {
        check_rows(rows, d_in)?;
        if self.d_out == 0 || self.d_out > d_in {
            return Err(Error::argument("output dimension of PCA", format!("in 1..={d_in}"), self.d_out));
        }
        let mut rng = seeded(self.seed, TRANSFORM_STREAM);
        let sample = Sample::draw(rows, d_in, MAX_POINTS_PER_D.saturating_mul(d_in), &mut rng, device)?;
        let eigen = symmetric_eigen(cross_product(&sample.tensor, &sample.tensor)?)?;
        let components = eigen.vectors.transpose();
        let mut a = components.rows(0, self.d_out).into_owned();
        if self.random_rotation {
            a = random(self.d_out, self.d_out, &mut rng) * a;
        }
        Ok(Pca {
            linear: Linear::new(d_in, to_rows(&a), bias(&a, &sample.mean))?,
            eigen_power: 0.0,
            epsilon: 0.0,
            random_rotation: self.random_rotation,
            balanced_bins: 0,
            mean: sample.mean,
            eigenvalues: eigen.values.iter().map(|&value| value.max(0.0) as f32).collect(),
            components: to_rows(&components),
        })
    }
}

/// `-A mean`, `[d_out]`.
fn bias(a: &DMatrix<f64>, mean: &[f32]) -> Vec<f32> {
    let mean = DMatrix::from_iterator(mean.len(), 1, mean.iter().map(|&value| f64::from(value)));
    (a * mean).iter().map(|&value| -value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::orthonormal::tests::deviation, *};
    use rand::RngExt;

    const D: usize = 6;

    fn train(rows: &[f32], d_out: usize, random_rotation: bool) -> Result<Pca> {
        PcaConfig { d_out, random_rotation, seed: 3 }.train(rows, D, &Device::flex())
    }

    /// `n` vectors with variance 4^-i along row `i` of `axes` and a mean far from 0.
    fn along(axes: &DMatrix<f64>, n: usize) -> Vec<f32> {
        let mut rng = seeded(11, 0);
        let point = |_| {
            let weights = DMatrix::from_fn(1, D, |_, i| rng.random_range(-1.0..1.0) * 0.5f64.powi(i as i32));
            to_rows(&(weights * axes).add_scalar(5.0))
        };
        (0..n).flat_map(point).collect()
    }

    fn matrix(rows: &[f32]) -> DMatrix<f64> {
        DMatrix::from_row_iterator(rows.len() / D, D, rows.iter().map(|&value| f64::from(value)))
    }

    /// `A^T A`: the projection onto the components.
    fn projector(pca: &Pca) -> DMatrix<f64> {
        let a = matrix(pca.linear.a());
        a.transpose() * a
    }

    #[test]
    fn components_are_the_double_precision_ones_and_near_the_known_axes() {
        let axes = random(D, D, &mut seeded(2, 0));
        let rows = along(&axes, 5000);
        let pca = train(&rows, 3, false).expect("trains");
        let x = matrix(&rows);
        let mean = x.row_mean();
        let x = DMatrix::from_fn(x.nrows(), D, |i, j| x[(i, j)] - mean[j]);
        let exact = symmetric_eigen(x.transpose() * &x).expect("finite");
        for i in 0..D {
            assert!((f64::from(pca.eigenvalues[i]) / exact.values[i] - 1.0).abs() < 1e-4, "eigenvalue {i}");
            assert!((f64::from(pca.mean[i]) - mean[i]).abs() < 1e-5);
        }
        for i in 0..3 {
            let component = matrix(&pca.components[i * D..(i + 1) * D]);
            assert!((&component * exact.vectors.column(i))[0].abs() > 1.0 - 1e-6);
            assert!((component * axes.row(i).transpose())[0].abs() > 0.99);
        }
    }

    #[test]
    fn reverse_projects_onto_the_components() {
        let rows = along(&random(D, D, &mut seeded(2, 0)), 500);
        for (d_out, rotate) in [(1, false), (3, false), (3, true), (D, true)] {
            let pca = train(&rows, d_out, rotate).expect("trains");
            let device = Device::flex();
            let out = pca.linear.apply(&rows, &device).expect("applies");
            let back = matrix(&pca.linear.reverse(&out, &device).expect("orthonormal"));
            let expected = matrix(&rows) * projector(&pca);
            assert!((back - expected).amax() < 2e-5, "{d_out} {rotate}");
        }
    }

    #[test]
    fn a_rotated_output_spans_the_same_space() {
        let rows = along(&random(D, D, &mut seeded(2, 0)), 500);
        let (plain, rotated) =
            (train(&rows, 3, false).expect("trains"), train(&rows, 3, true).expect("trains"));
        assert!((projector(&plain) - projector(&rotated)).amax() < 1e-6);
        assert_ne!(plain.linear.a(), rotated.linear.a());
        assert_eq!(plain.components, rotated.components);
    }

    #[test]
    fn degenerate_vectors_give_orthonormal_axes() {
        let few: Vec<f32> = (0..3 * D).map(|i| (i as f32).sin()).collect();
        for rows in [vec![2.5; 40 * D], few, vec![1.0; D], vec![0.0; 2 * D]] {
            let pca = train(&rows, 5, true).expect("trains");
            assert!(deviation(&matrix(pca.linear.a())) < 1e-6);
            assert!(pca.eigenvalues.iter().all(|value| value.is_finite() && *value >= 0.0));
            assert!(pca.linear.is_orthonormal());
        }
    }

    #[test]
    fn impossible_arguments_are_errors() {
        let rows = [0.0; 4 * D];
        assert!(train(&rows, 0, false).is_err());
        assert!(train(&rows, D + 1, false).is_err());
        assert!(train(&rows[1..], 2, false).is_err());
        assert!(train(&[], 2, false).is_err());
        let huge: Vec<f32> = (0..4 * D).map(|i| if i % 2 == 0 { 1e30 } else { -1e30 }).collect();
        let halves = [huge.clone(), vec![0.0; 4 * D]].concat();
        assert!(train(&halves, 2, false).is_err());
    }
}
