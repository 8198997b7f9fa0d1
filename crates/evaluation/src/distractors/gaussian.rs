//! Synthetic descriptors from a Gaussian that is fitted to real ones.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Rows of a block: its noise is `[4096, r]`.
const BLOCK: usize = 4096;

/// Draws `n` unit vectors `[n, d]` distributed like `real` `[r, d]`, on its device.
///
/// They are drawn from the Gaussian with the mean and sample covariance of `real`, then L2-normalised. With X_c the
/// centred rows and z standard normal of length r, `mean + X_c^T z / sqrt(r - 1)` has that covariance, which is never
/// computed. A single row yields its own direction.
///
/// # Panics
/// If `real` has no rows.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let real = Tensor::<2>::from_data([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0]], &Device::flex());
/// let made = active_index_evaluation::distractors::gaussian(real, 100, 0);
/// assert_eq!(made.dims(), [100, 3]);
/// ```
pub fn gaussian(real: Tensor<2>, n: usize, seed: u64) -> Tensor<2> {
    if n == 0 {
        return real.slice_dim(0, 0..0);
    }
    Tensor::cat(Gaussian::fit(real, seed).blocks(n).collect(), 0)
}

/// A Gaussian fitted to descriptors, which draws more of them than fit in memory.
#[derive(Debug, Clone)]
pub struct Gaussian {
    /// `[1, d]`.
    mean: Tensor<2>,
    /// `[r, d]`: centred rows over sqrt(r - 1).
    spread: Tensor<2>,
    seed: u64,
}

impl Gaussian {
    /// Fits a Gaussian to `real` `[r, d]`, as [`gaussian`] does.
    ///
    /// # Panics
    /// If `real` has no rows.
    pub fn fit(real: Tensor<2>, seed: u64) -> Self {
        let [rows, _] = real.dims();
        assert!(rows > 0, "distractors need at least one real descriptor");
        let mean = real.clone().mean_dim(0);
        let spread = (real - mean.clone()).div_scalar(((rows - 1).max(1) as f64).sqrt());
        Self { mean, spread, seed }
    }

    /// Draws `n` unit vectors in matrices `[4096, d]`; the last one may be smaller.
    pub fn blocks(self, n: usize) -> impl Iterator<Item = Tensor<2>> {
        let ([rows, _], device) = (self.spread.dims(), self.spread.device());
        (0..n).step_by(BLOCK).map(move |start| {
            let noise = noise([BLOCK.min(n - start), rows], self.seed, (start / BLOCK) as u64, &device);
            unit_rows(noise.matmul(self.spread.clone()) + self.mean.clone())
        })
    }
}

/// Draws standard normal noise. Each block has its own stream of the seed.
fn noise(shape: [usize; 2], seed: u64, block: u64, device: &Device) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(block);
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Divides every row of `[n, d]` by its length.
fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-12);
    rows / length
}
