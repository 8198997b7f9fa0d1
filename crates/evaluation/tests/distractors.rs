//! Distractors against the Gaussian they are drawn from.

use active_index_evaluation::distractors::gaussian;
use burn::tensor::{Device, Distribution, Tensor};

fn rows(tensor: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, d] = tensor.dims();
    let values: Vec<f32> = tensor.into_data().iter().collect();
    values.chunks(d).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect()
}

fn mean_and_covariance(rows: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (n, d) = (rows.len() as f64, rows[0].len());
    let mean: Vec<f64> = (0..d).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / n).collect();
    let product =
        |i: usize, j: usize| rows.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum::<f64>();
    let covariance = (0..d).map(|i| (0..d).map(|j| product(i, j) / (n - 1.0)).collect()).collect();
    (mean, covariance)
}

/// Returns descriptors of nearly equal length, a constant 1 beside small coordinates, so that normalising hardly changes
/// their moments.
fn real(r: usize) -> Tensor<2> {
    Device::flex().seed(3);
    let small = Tensor::<2>::random([r, 5], Distribution::Normal(0.01, 0.02), &Device::flex());
    let skewed = small.clone() + small.clone().slice([0..r, 0..1]);
    Tensor::cat(vec![skewed, Tensor::ones([r, 1], &Device::flex())], 1)
}

#[test]
fn moments_are_those_of_the_fitted_gaussian() {
    let real = real(40);
    let (mean, covariance) = mean_and_covariance(&rows(real.clone()));
    let (made_mean, made_covariance) = mean_and_covariance(&rows(gaussian(real, 20_000, 1)));
    // coordinates spread by about 0.04: 20000 draws give the mean to 0.0003 and the covariance (0.0016) to 2 %;
    // normalising shifts both by a relative 0.5 % or so
    for i in 0..5 {
        assert!((made_mean[i] - mean[i]).abs() < 0.0015, "mean {i}: {} and {}", made_mean[i], mean[i]);
        for j in 0..5 {
            let (made, fitted) = (made_covariance[i][j], covariance[i][j]);
            assert!((made - fitted).abs() < 1e-4, "covariance {i} {j}: {made} and {fitted}");
        }
    }
}

#[test]
fn rows_have_unit_norm() {
    for row in rows(gaussian(real(7), 5000, 2)) {
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((norm - 1.0).abs() < 1e-5, "{norm}");
    }
}

#[test]
fn the_seed_decides_and_blocks_differ() {
    let real = real(6);
    let made = |seed| rows(gaussian(real.clone(), 9000, seed));
    let first = made(4);
    assert_eq!(first, made(4));
    assert_ne!(first, made(5));
    assert_ne!(first[..10], first[4096..4106], "two blocks repeat the same noise");
}

#[test]
fn few_rows_are_enough() {
    assert_eq!(gaussian(real(3), 0, 0).dims(), [0, 6]);
    let one = rows(gaussian(real(1), 3, 0));
    assert_eq!(one[0], one[2]);
}
