//! Training samples of transforms: a subset of the rows, centred.

use burn::tensor::{Device, Tensor};
use device_math::{
    exact_products::matmul,
    transfer::{download, upload_matrix},
};
use nalgebra::DMatrix;
use rand_chacha::ChaCha8Rng;

use crate::{
    error::{Error, Result},
    quantise::random_streams::sample_rows,
    vectors::{check_finite, check_rows},
};

/// Rows summed by one matrix product in float32; the products are added in double precision.
const PRODUCT_ROWS: usize = 4096;

/// Centred training vectors.
pub(super) struct Sample {
    /// Rows minus `mean`, `[n, d]`, on the device.
    pub tensor: Tensor<2>,
    /// Mean of the rows, `[d]`.
    pub mean: Vec<f32>,
    /// Sum of the squared norms of `tensor`'s rows.
    pub squared_norm: f64,
    pub n: usize,
}

impl Sample {
    /// Draws `most` of `rows` `[n, d]` at random, or takes all if there are fewer.
    ///
    /// # Errors
    /// No row, or a value that is not finite, before or after centring.
    pub fn draw(rows: &[f32], d: usize, most: usize, rng: &mut ChaCha8Rng, device: &Device) -> Result<Self> {
        check_rows(rows, d)?;
        let mut rows = match sample_rows(rows.len() / d, most, rng) {
            Some(chosen) => chosen.iter().flat_map(|&row| &rows[row * d..(row + 1) * d]).copied().collect(),
            None => rows.to_vec(),
        };
        if rows.is_empty() {
            return Err(Error::argument("number of training vectors", "at least 1", 0));
        }
        check_finite("training vectors", &rows, d)?;
        let mean = mean(&rows, d);
        rows.chunks_exact_mut(d).for_each(|row| row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean));
        check_finite("centred training vectors", &rows, d)?;
        let squared_norm = crate::metric::squared_norm(&rows);
        Ok(Self { n: rows.len() / d, tensor: upload_matrix(rows, d, device), mean, squared_norm })
    }
}

/// Mean of the rows of `[n, d]`, summed in double precision.
fn mean(rows: &[f32], d: usize) -> Vec<f32> {
    let mut sum = vec![0.0f64; d];
    for row in rows.chunks_exact(d) {
        sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let n = rows.len() / d;
    sum.iter().map(|sum| (sum / n as f64) as f32).collect()
}

/// Product `x^T y` of `x` `[n, d]` and `y` `[n, e]`: `[d, e]`.
pub(super) fn cross_product(x: &Tensor<2>, y: &Tensor<2>) -> Result<DMatrix<f64>> {
    let ([n, d], [_, e]) = (x.dims(), y.dims());
    let mut sum = DMatrix::zeros(d, e);
    for start in (0..n).step_by(PRODUCT_ROWS) {
        let block = start..(start + PRODUCT_ROWS).min(n);
        let (x, y) = (x.clone().slice([block.clone()]), y.clone().slice([block]));
        let product = download(matmul(x.transpose(), y))?;
        sum += DMatrix::from_row_iterator(d, e, product.into_iter().map(f64::from));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;

    fn draw(rows: &[f32], d: usize, most: usize) -> Result<Sample> {
        Sample::draw(rows, d, most, &mut seeded(1, 0), &Device::flex())
    }

    #[test]
    fn a_sample_is_centred_and_as_large_as_requested() {
        let rows: Vec<f32> = (0..100).map(|i| (i * i % 17) as f32).collect();
        for (most, n) in [(50, 50), (51, 50), (20, 20), (1, 1)] {
            let sample = draw(&rows, 2, most).expect("finite");
            let centred = download(sample.tensor.clone()).expect("reads");
            assert_eq!((sample.n, centred.len()), (n, 2 * n));
            assert!(mean(&centred, 2).iter().all(|mean| mean.abs() < 1e-5));
        }
    }

    #[test]
    fn empty_and_non_finite_samples_are_errors() {
        assert!(draw(&[], 2, 5).is_err());
        assert!(draw(&[1.0; 3], 2, 5).is_err());
        assert!(draw(&[1.0, f32::NAN], 2, 5).is_err());
        assert!(draw(&[f32::MAX, f32::MIN, f32::MIN], 1, 5).is_err());
    }

    #[test]
    fn cross_products_span_several_blocks() {
        let n = 2 * PRODUCT_ROWS + 3;
        let x: Vec<f32> = (0..2 * n).map(|i| (i as f32 * 0.1).sin()).collect();
        let y: Vec<f32> = (0..3 * n).map(|i| (i as f32 * 0.3).cos()).collect();
        let upload = |values: &[f32], d| upload_matrix(values.to_vec(), d, &Device::flex());
        let product = cross_product(&upload(&x, 2), &upload(&y, 3)).expect("computes");
        for (i, j) in (0..2).flat_map(|i| (0..3).map(move |j| (i, j))) {
            let exact: f64 = (0..n).map(|r| f64::from(x[2 * r + i]) * f64::from(y[3 * r + j])).sum();
            assert!((product[(i, j)] - exact).abs() < 1e-2, "{i} {j}: {} {exact}", product[(i, j)]);
        }
    }
}
