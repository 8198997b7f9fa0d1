//! Just-noticeable-difference map (Wu et al. 2017).

mod bands;
mod convolutions;
mod model;

use burn::tensor::{Device, Tensor};

/// Largest unnoticed change of each pixel: the just-noticeable-difference (JND) map of Wu et al. (2017), from
/// luminance masking and contrast masking.
///
/// # Shapes
/// RGB `[n, 3, h, w]` in [0, 1] -> `[n, 1, h, w]` in [0, 1]
pub fn jnd_map(pixels: Tensor<4>) -> Tensor<4> {
    if pixels.device() == Device::flex() { bands::jnd_map(pixels) } else { convolutions::jnd_map(pixels) }
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
        assert!(map[8 * 16 + 8] > map[8 * 16 + 3], "an edge hides more than a flat area");
    }

    /// Pictures with noise, edges, and flat areas of black and white.
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
    fn the_bands_of_the_cpu_match_the_convolutions_of_every_device() {
        let shapes = [[1, 1, 1], [1, 1, 40], [1, 40, 1], [2, 3, 2], [1, 16, 16], [2, 17, 33], [1, 100, 67]];
        for shape in shapes {
            let pixels = pictures(shape);
            let (found, expected) = (values(jnd_map(pixels.clone())), values(convolutions::jnd_map(pixels)));
            assert_eq!(found.len(), expected.len(), "{shape:?}");
            let differences = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let largest = differences.fold(0.0, f32::max);
            // A 4000th of an 8-bit level.
            assert!(largest < 1e-6, "{shape:?}: {largest}");
        }
    }
}
