//! Float32 matrix products and convolutions on every device, against double precision. TF32 rounding gives
//! errors of about 5e-3 at these sizes.

use burn::tensor::{Device, Tensor, TensorData, ops::ConvOptions};
use device_math::exact_products::{Filter, matmul, rounds};

use super::{devices, index::hashed};

/// Bound of float32 sums of some 600 products of numbers below 1, and of the omitted product of the two low
/// parts.
const TOLERANCE: f64 = 1e-4;

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn assert_near(name: &str, found: Vec<f32>, expected: &[f64]) {
    let difference = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    println!("{name}: {difference:.1e}");
    assert!(found.len() == expected.len() && difference < TOLERANCE, "{name}: {difference}");
}

#[test]
fn every_device_multiplies_matrices_in_single_precision() {
    // Small shapes, shapes large enough for any matrix unit, and batches that share a factor.
    for [batch, m, k, n] in [[1, 3, 5, 2], [1, 256, 512, 384], [6, 72, 96, 80]] {
        let (a, b) = (hashed(batch * m * k, 16), hashed(k * n, 32));
        let at = |i: usize| {
            let (row, column) = (i / n, i % n);
            (0..k).map(|p| f64::from(a[row * k + p]) * f64::from(b[p * n + column])).sum::<f64>()
        };
        let expected: Vec<_> = (0..batch * m * n).map(at).collect();
        for (name, device) in devices() {
            let (a, b) = (tensor(&a, [batch, m, k], &device), tensor(&b, [1, k, n], &device));
            let found = matmul(a, b).into_data().try_into_vec_as().unwrap();
            assert_near(&format!("{name}, {batch} x {m} x {k} x {n}"), found, &expected);
        }
    }
}

#[test]
fn every_device_convolves_in_single_precision() {
    const SIDE: usize = 18;
    for [from, to, size] in [[64, 64, 3], [512, 128, 1]] {
        let (x, weight) = (hashed(2 * from * SIDE * SIDE, 16), hashed(to * from * size * size, 32));
        let around = size / 2;
        let at = |i: usize| {
            let (image, channel, y, column) =
                (i / (to * SIDE * SIDE), i / (SIDE * SIDE) % to, i / SIDE % SIDE, i % SIDE);
            let mut sum = 0.0;
            for (tap, w) in weight[channel * from * size * size..][..from * size * size].iter().enumerate() {
                let (c, dy, dx) = (tap / (size * size), tap / size % size, tap % size);
                let (y, column) = ((y + dy).wrapping_sub(around), (column + dx).wrapping_sub(around));
                if y < SIDE && column < SIDE {
                    sum += f64::from(*w) * f64::from(x[((image * from + c) * SIDE + y) * SIDE + column]);
                }
            }
            sum
        };
        let expected: Vec<_> = (0..2 * to * SIDE * SIDE).map(at).collect();
        for (name, device) in devices() {
            let filter = Filter::new(tensor(&weight, [to, from, size, size], &device));
            let x = tensor(&x, [2, from, SIDE, SIDE], &device);
            let options = ConvOptions::new([1; 2], [around; 2], [1; 2], 1);
            let found = filter.conv2d(x, &Tensor::zeros([to], &device), options);
            let found = found.into_data().try_into_vec_as().unwrap();
            assert_near(&format!("{name}, {size} x {size} of {from} channels"), found, &expected);
        }
    }
}

/// Devices that round are recognised by their names, which burn may change.
#[test]
fn devices_that_round_are_known() {
    for (name, device) in devices() {
        assert_eq!(rounds(&device), name == "cuda", "{device:?}");
        assert_eq!(rounds(&device.clone().autodiff()), name == "cuda", "{device:?}");
    }
}
