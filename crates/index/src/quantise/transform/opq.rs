//! Optimised product quantisation (Ge et al., TPAMI 2014, the non-parametric solution): the rotation that
//! minimises the loss of a product quantiser.

use burn::tensor::Device;
use device_math::{exact_products::matmul, transfer::upload_matrix};
use nalgebra::DMatrix;

use super::{
    codebooks::{Codebooks, Points},
    linear::Linear,
    orthonormal::{polar, random, to_rows},
    sample::Sample,
};
use crate::{
    error::{Error, Result},
    metric::squared_norm,
    quantise::random_streams::{TRANSFORM_STREAM, seeded},
    vectors::{Vectors, check_rows},
};

/// Settings of the training.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpqConfig {
    /// Number of sub-quantisers, of 8 bits each; divides `d_out`.
    pub m: usize,
    /// Output dimension: smaller than the vectors' dimension to project, larger to pad.
    pub d_out: usize,
    /// Alternations between codebooks and rotation.
    pub iterations: usize,
    /// k-means iterations in the first alternation.
    pub first_kmeans_iterations: usize,
    /// k-means iterations in each later alternation.
    pub kmeans_iterations: usize,
    /// Largest number of training vectors; more are subsampled.
    pub max_points: usize,
    pub seed: u64,
}

/// Result of the training.
pub(crate) struct Opq {
    pub linear: Linear,
    /// Codebooks of the rotated, centred vectors: a good start for the product quantiser that follows,
    /// because the rotation was fitted to them.
    pub codebooks: Codebooks,
}

impl OpqConfig {
    /// faiss's defaults.
    pub fn new(m: usize, d_out: usize, seed: u64) -> Self {
        Self {
            m,
            d_out,
            iterations: 50,
            first_kmeans_iterations: 40,
            kmeans_iterations: 4,
            max_points: 256 * 256,
            seed,
        }
    }

    /// Trains on `rows` `[n, d_in]`. The map has no bias and orthonormal rows, or orthonormal columns if
    /// `d_out > d_in`.
    ///
    /// After each update of the codebooks, calls `on_iteration` with the iteration, from 0, the number of
    /// iterations, and the objective: the mean squared error of the reconstructed centred vectors. It never
    /// rises.
    ///
    /// # Errors
    /// `m` does not divide `d_out`; fewer than 256 vectors; values that are not finite; a failing device.
    pub fn train(
        &self,
        rows: &[f32],
        d_in: usize,
        device: &Device,
        on_iteration: &mut dyn FnMut(usize, usize, f64),
    ) -> Result<Opq> {
        check_rows(rows, d_in)?;
        if self.m == 0 || self.d_out == 0 || !self.d_out.is_multiple_of(self.m) {
            return Err(Error::argument(
                "m of OPQ",
                format!("a divisor of dimension {}", self.d_out),
                self.m,
            ));
        }
        let mut rng = seeded(self.seed, TRANSFORM_STREAM);
        let sample = Sample::draw(rows, d_in, self.max_points, &mut rng, device)?;
        let vectors = Vectors::new("training vectors", sample.tensor.clone())?;
        let mut rotation = random(self.d_out, d_in, &mut rng);
        let mut points = project(&sample, &rotation, device)?;
        let mut codebooks = Codebooks::random(&points, self.m, &mut rng)?;
        for iteration in 0..self.iterations {
            codebooks.refine(&points, self.kmeans_iterations(iteration), device)?;
            let codes = codebooks.encode(&points, device)?;
            let lost = codebooks.squared_error(&points, &codes);
            on_iteration(iteration, self.iterations, objective(&sample, &points, lost));
            rotation = polar(&codebooks.cross_product(&codes, &vectors))?;
            if iteration + 1 < self.iterations {
                points = project(&sample, &rotation, device)?;
            }
        }
        Ok(Opq { linear: Linear::new(d_in, to_rows(&rotation), vec![])?, codebooks })
    }

    fn kmeans_iterations(&self, iteration: usize) -> usize {
        if iteration == 0 { self.first_kmeans_iterations } else { self.kmeans_iterations }
    }
}

/// Rotates the sample's vectors by `[d_out, d_in]`.
fn project(sample: &Sample, rotation: &DMatrix<f64>, device: &Device) -> Result<Points> {
    let rotation = upload_matrix(to_rows(rotation), rotation.ncols(), device);
    Points::new(matmul(sample.tensor.clone(), rotation.transpose()))
}

/// Mean squared error of reconstruction: the part removed by the rotation, mean of `|x|^2 - |R x|^2`, plus
/// the loss of the codes, mean of `|R x - y|^2` with the reconstruction `y`; `lost` is the sum of the latter.
/// Together they are the mean of `|x - R^T y|^2`, for projections and rotations alike.
fn objective(sample: &Sample, points: &Points, lost: f64) -> f64 {
    (sample.squared_norm - squared_norm(points.host()) + lost).max(0.0) / sample.n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    const D: usize = 8;

    /// Correlated vectors, sums of a few random directions, with a mean far from 0.
    fn correlated(n: usize) -> Vec<f32> {
        let mut rng = seeded(21, 0);
        let directions = random(D, D, &mut rng);
        let point = |_| {
            let weights =
                DMatrix::from_fn(1, D, |_, i| rng.random_range(-1.0f64..1.0).powi(3) / (1 + i) as f64);
            to_rows(&(weights * &directions).add_scalar(3.0))
        };
        (0..n).flat_map(point).collect()
    }

    fn quick(m: usize, d_out: usize) -> OpqConfig {
        OpqConfig { iterations: 12, first_kmeans_iterations: 8, ..OpqConfig::new(m, d_out, 9) }
    }

    fn train(config: &OpqConfig, rows: &[f32]) -> Result<(Linear, Vec<f64>)> {
        let mut objectives = vec![];
        let opq = config.train(rows, D, &Device::flex(), &mut |iteration, iterations, objective| {
            assert_eq!((iteration, iterations), (objectives.len(), config.iterations));
            objectives.push(objective);
        })?;
        Ok((opq.linear, objectives))
    }

    #[test]
    fn the_objective_never_rises_at_any_output_dimension() {
        let rows = correlated(3000);
        for d_out in [4, D, 12] {
            let (linear, objectives) = train(&quick(4, d_out), &rows).expect("trains");
            assert!(linear.is_orthonormal());
            assert_eq!((linear.d_in(), linear.d_out(), linear.b().len()), (D, d_out, 0));
            assert!(objectives.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-5)), "{objectives:?}");
            assert!(objectives[11] < 0.98 * objectives[0], "{objectives:?}");
        }
    }

    #[test]
    fn the_objective_is_the_error_of_the_reversed_reconstructions() {
        let rows = correlated(400);
        for d_out in [4, D] {
            let device = Device::flex();
            let sample = Sample::draw(&rows, D, 400, &mut seeded(1, 0), &device).expect("finite");
            let rotation = random(d_out, D, &mut seeded(2, 0));
            let points = project(&sample, &rotation, &device).expect("projects");
            let codebooks = Codebooks::random(&points, 4, &mut seeded(3, 0)).expect("enough");
            let codes = codebooks.encode(&points, &device).expect("encodes");
            let y = DMatrix::from_fn(400, d_out, |i, at| f64::from(codebooks.value(&codes, i, at)));
            let back = y * rotation;
            let error = |at: usize| f64::from(rows[at] - sample.mean[at % D]) - back[(at / D, at % D)];
            let exact = (0..400 * D).map(|at| error(at).powi(2)).sum::<f64>() / 400.0;
            assert!(
                (objective(&sample, &points, codebooks.squared_error(&points, &codes)) / exact - 1.0).abs()
                    < 1e-4,
                "{d_out}"
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let rows = correlated(600);
        let first = train(&quick(2, D), &rows).expect("trains");
        assert_eq!(first, train(&quick(2, D), &rows).expect("trains"));
        let other = OpqConfig { seed: 10, ..quick(2, D) };
        assert_ne!(first.0.a(), train(&other, &rows).expect("trains").0.a());
    }

    #[test]
    fn degenerate_vectors_give_an_orthonormal_map() {
        let few_values: Vec<f32> = (0..300 * D).map(|i| (i % 3) as f32).collect();
        for rows in [vec![4.0; 300 * D], few_values] {
            let (linear, objectives) = train(&quick(4, D), &rows).expect("trains");
            assert!(linear.is_orthonormal() && linear.a().iter().all(|value| value.is_finite()));
            assert!(objectives.iter().all(|objective| (0.0..1e-6).contains(objective)), "{objectives:?}");
        }
    }

    #[test]
    fn impossible_arguments_are_errors() {
        let rows = correlated(300);
        assert!(train(&quick(3, D), &rows).is_err());
        assert!(train(&quick(0, D), &rows).is_err());
        assert!(train(&quick(1, 0), &rows).is_err());
        assert!(matches!(train(&quick(4, D), &rows[..255 * D]), Err(Error::TooFewPoints { .. })));
        assert!(train(&quick(4, D), &rows[1..]).is_err());
        assert!(train(&quick(4, D), &[f32::NAN; 300 * D]).is_err());
    }
}
