//! Gaussian blur as torchvision defines it: one separable kernel, mirrored borders, rounded at the end.

use image::RgbImage;
use rayon::prelude::*;

pub(super) fn gaussian(image: &RgbImage, kernel: u32) -> RgbImage {
    let weights = weights(kernel);
    let smeared = smear_rows(image, &weights);
    average_rows(image, &smeared, &weights)
}

/// Returns the kernel `[kernel]`, of sum 1.
fn weights(kernel: u32) -> Vec<f32> {
    let radius = f64::from(kernel - 1) / 2.0;
    let sigma = 0.3 * (radius - 1.0) + 0.8;
    let bell = |i: u32| (-0.5 * ((f64::from(i) - radius) / sigma).powi(2)).exp();
    let sum: f64 = (0..kernel).map(bell).sum();
    (0..kernel).map(|i| (bell(i) / sum) as f32).collect()
}

/// Mirrors place `i` at the first and last of `n` places without repeating them: -1 becomes 1. Small images are mirrored
/// several times, which torch refuses.
fn mirror(i: isize, n: usize) -> usize {
    let period = (2 * (n as isize - 1)).max(1);
    let place = i.rem_euclid(period);
    place.min(period - place).min(n as isize - 1) as usize
}

/// Convolves every row with the weights, to `[height, width, 3]`.
fn smear_rows(image: &RgbImage, weights: &[f32]) -> Vec<f32> {
    let width = image.width() as usize;
    let mut smeared = vec![0.0; image.as_raw().len()];
    smeared.par_chunks_mut(3 * width).zip(image.as_raw().par_chunks(3 * width)).for_each(|(out, row)| {
        let padded = pad(row, weights.len() / 2);
        for (tap, weight) in weights.iter().enumerate() {
            accumulate(out, &padded[3 * tap..], *weight);
        }
    });
    smeared
}

/// Returns a row of pixels with `radius` mirrored pixels at both ends.
fn pad(row: &[u8], radius: usize) -> Vec<f32> {
    let width = row.len() / 3;
    let places = -(radius as isize)..(width + radius) as isize;
    places
        .flat_map(|x| {
            let start = 3 * mirror(x, width);
            row[start..start + 3].iter().map(|c| f32::from(*c))
        })
        .collect()
}

fn accumulate(sum: &mut [f32], row: &[f32], weight: f32) {
    for (total, value) in sum.iter_mut().zip(row) {
        *total += weight * value;
    }
}

/// Convolves every column of `smeared` with the weights and rounds.
fn average_rows(image: &RgbImage, smeared: &[f32], weights: &[f32]) -> RgbImage {
    let (stride, height) = (3 * image.width() as usize, image.height() as usize);
    let radius = weights.len() as isize / 2;
    let mut blurred = image.clone();
    blurred.par_chunks_mut(stride).enumerate().for_each(|(y, out)| {
        let mut sum = vec![0.0; stride];
        for (tap, weight) in weights.iter().enumerate() {
            let start = stride * mirror(y as isize + tap as isize - radius, height);
            accumulate(&mut sum, &smeared[start..start + stride], *weight);
        }
        for (level, value) in out.iter_mut().zip(sum) {
            *level = value.round_ties_even() as u8;
        }
    });
    blurred
}
