use burn::tensor::{Device, Tensor, module::conv2d, ops::ConvOptions};
use extractor::transfer::upload;

use crate::host;

/// Weights of R, G and B in the luminance.
pub(crate) const LUMINANCE: [f32; 3] = [0.299, 0.587, 0.114];
/// Window of the background luminance, to be divided by its sum.
#[rustfmt::skip]
const BACKGROUND: [[f32; 5]; 5] = [
    [1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 2.0, 2.0, 2.0, 1.0],
    [1.0, 2.0, 0.0, 2.0, 1.0],
    [1.0, 2.0, 2.0, 2.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0],
];
pub(crate) const BACKGROUND_SUM: f32 = 32.0;
const SOBEL_X: [[f32; 3]; 3] = [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]];
const SOBEL_Y: [[f32; 3]; 3] = [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]];
/// Least change that counts as just noticeable, in 8-bit levels.
pub(crate) const FLOOR: f64 = 5.0;

/// How much each pixel may change before it is noticed: the just-noticeable-difference map of Wu et al. (2017),
/// from luminance masking and contrast masking.
///
/// # Shapes
/// RGB `[n, 3, h, w]` in [0, 1] -> `[n, 1, h, w]` in [0, 1]
pub fn jnd_map(pixels: Tensor<4>) -> Tensor<4> {
    if pixels.device() == Device::flex() { host::jnd_map(pixels) } else { by_convolutions(pixels) }
}

/// The map on every device, with intermediate images; differentiable.
fn by_convolutions(pixels: Tensor<4>) -> Tensor<4> {
    let device = pixels.device();
    let weights = upload(LUMINANCE.to_vec(), [1, 3, 1, 1], &device);
    let luminance = (pixels * weights).sum_dim(1) * 255.0;
    let luminance_masking = luminance_masking(luminance.clone());
    let contrast_masking = contrast_masking(luminance);
    let both = luminance_masking.clone().min_pair(contrast_masking.clone()) * 0.3;
    (luminance_masking + contrast_masking - both).clamp_min(FLOOR) / 255.0
}

/// `17 (1 - sqrt(L / 127 + 1e-3)) + 3` in the dark, `3 / 128 (L - 127) + 3` in the light, of the mean luminance L.
fn luminance_masking(luminance: Tensor<4>) -> Tensor<4> {
    let background = filter(luminance, BACKGROUND) / BACKGROUND_SUM;
    let dark = ((background.clone() / 127.0 + 1e-3).sqrt() * -1.0 + 1.0) * 17.0 + 3.0;
    let light = (background.clone() - 127.0) * (3.0 / 128.0) + 3.0;
    light.mask_where(background.lower_equal_scalar(127.0), dark)
}

/// `0.117 * 16 G^2.4 / (G^2 + 26^2)` of the luminance gradient G.
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    fn values(map: Tensor<4>) -> Vec<f32> {
        map.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn flat_mid_grey_hides_the_least_and_black_hides_more() {
        let device = Device::flex();
        let centre = |level: f32| values(jnd_map(Tensor::full([1, 3, 9, 9], level, &device)))[40] * 255.0;
        assert!((centre(0.5) - 5.0).abs() < 1e-3, "the floor");
        let black = 17.0 * (1.0 - 1e-3_f32.sqrt()) + 3.0;
        assert!((centre(0.0) - black).abs() < 1e-3, "{} for {black}", centre(0.0));
    }

    #[test]
    fn an_edge_of_either_direction_hides_the_same() {
        let device = Device::flex();
        let ramp = |x: usize| if x < 8 { 0.4 } else { 0.6 };
        let edge: Vec<f32> = (0..3 * 256).map(|i| ramp(i % 16)).collect();
        let image = Tensor::<1>::from_floats(edge.as_slice(), &device).reshape([1, 3, 16, 16]);
        let (across, along) = (jnd_map(image.clone()), jnd_map(image.swap_dims(2, 3)).swap_dims(2, 3));
        let difference = (across.clone() - along).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-6, "{difference}");
        let map = values(across);
        assert!(map[8 * 16 + 8] > map[8 * 16 + 3], "an edge hides more than a plain");
    }

    /// Noise, edges, plains of black and white.
    fn pictures([n, h, w]: [usize; 3]) -> Tensor<4> {
        let value = |i: usize| match (i / w % 5, i % w / 7 % 4) {
            (0, _) => (i * 7919 % 251) as f32 / 250.0,
            (_, 0) => 0.0,
            (_, 1) => 1.0,
            (row, _) => row as f32 / 9.0,
        };
        let values = (0..n * 3 * h * w).map(value).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [n, 3, h, w]), &Device::flex())
    }

    #[test]
    fn the_pass_of_the_cpu_is_that_of_every_device() {
        let shapes = [[1, 1, 1], [1, 1, 40], [1, 40, 1], [2, 3, 2], [1, 16, 16], [2, 17, 33], [1, 100, 67]];
        for shape in shapes {
            let pixels = pictures(shape);
            let (found, expected) = (values(jnd_map(pixels.clone())), values(by_convolutions(pixels)));
            assert_eq!(found.len(), expected.len(), "{shape:?}");
            let differences = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let largest = differences.fold(0.0, f32::max);
            // A 4000th of an 8-bit level.
            assert!(largest < 1e-6, "{shape:?}: {largest}");
        }
    }
}
