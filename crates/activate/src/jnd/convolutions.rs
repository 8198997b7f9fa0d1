//! JND map by convolutions, on every device.

use burn::tensor::{Tensor, module::conv2d, ops::ConvOptions};
use device_math::transfer::upload;

use super::model::{BACKGROUND, BACKGROUND_SUM, FLOOR, SOBEL_X, SOBEL_Y};
use crate::luminance::luminance;

/// JND map, with intermediate images.
///
/// # Shapes
/// `[n, 3, h, w]` in [0, 1] -> `[n, 1, h, w]` in [0, 1]
pub(super) fn jnd_map(pixels: Tensor<4>) -> Tensor<4> {
    let luminance = luminance(&pixels) * 255.0;
    let luminance_masking = luminance_masking(luminance.clone());
    let contrast_masking = contrast_masking(luminance);
    let both = luminance_masking.clone().min_pair(contrast_masking.clone()) * 0.3;
    (luminance_masking + contrast_masking - both).clamp_min(FLOOR) / 255.0
}

/// `17 (1 - sqrt(L / 127 + 1e-3)) + 3` for a dark background of mean luminance `L`, `3 / 128 (L - 127) + 3` for a
/// light one.
fn luminance_masking(luminance: Tensor<4>) -> Tensor<4> {
    let background = filter(luminance, BACKGROUND) / BACKGROUND_SUM;
    let dark = ((background.clone() / 127.0 + 1e-3).sqrt() * -1.0 + 1.0) * 17.0 + 3.0;
    let light = (background.clone() - 127.0) * (3.0 / 128.0) + 3.0;
    light.mask_where(background.lower_equal_scalar(127.0), dark)
}

/// `0.117 * 16 G^2.4 / (G^2 + 26^2)` of the luminance gradient `G`.
fn contrast_masking(luminance: Tensor<4>) -> Tensor<4> {
    let gx = filter(luminance.clone(), SOBEL_X);
    let gy = filter(luminance, SOBEL_Y);
    let squared = gx.clone() * gx + gy.clone() * gy;
    squared.clone().powf_scalar(1.2) * (0.117 * 16.0) / (squared + 26.0 * 26.0)
}

/// Correlation of one channel with a `K` x `K` kernel, zero padding `K / 2`.
fn filter<const K: usize>(channel: Tensor<4>, kernel: [[f32; K]; K]) -> Tensor<4> {
    let kernel = upload(kernel.as_flattened().to_vec(), [1, 1, K, K], &channel.device());
    conv2d(channel, kernel, None, ConvOptions::new([1, 1], [K / 2; 2], [1, 1], 1))
}
