//! Colour edits, as torchvision and AugLy define them. Results are clamped to [0, 1].

use burn::tensor::Tensor;
use device_math::{constants::lifted, exact_products::matmul, transfer::upload};

use crate::luminance::{WEIGHTS, luminance};

/// Colour edit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Colour {
    /// Multiplies pixels by a factor.
    Brightness(f32),
    /// Scales the distance of pixels to the mean luminance by a factor.
    Contrast(f32),
    /// Scales the distance of pixels to their own luminance by a factor; 0 is greyscale.
    Saturation(f32),
    /// Rotates the hue by a share of the circle, in YIQ, where the rotation is linear. The result is close to a
    /// rotation in HSV.
    Hue(f32),
}

impl Colour {
    /// Edits each image on its own.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 3, h, w]` in [0, 1]
    pub fn apply(self, image: Tensor<4>) -> Tensor<4> {
        let edited = match self {
            Self::Brightness(factor) => image * factor,
            Self::Contrast(factor) => {
                let mean = mean_luminance(&image);
                image * factor + mean * (1.0 - factor)
            }
            Self::Saturation(factor) => mixed(image, saturation(factor)),
            Self::Hue(circles) => mixed(image, hue(circles)),
        };
        edited.clamp(0.0, 1.0)
    }
}

/// Mean luminance of each image, `[n, 1, 1, 1]`.
fn mean_luminance(images: &Tensor<4>) -> Tensor<4> {
    let [n, _, height, width] = images.dims();
    luminance(images).reshape([n, height * width]).mean_dim(1).reshape([n, 1, 1, 1])
}

/// Multiplies every pixel by a matrix of RGB.
fn mixed(images: Tensor<4>, matrix: [[f32; 3]; 3]) -> Tensor<4> {
    let [n, _, height, width] = images.dims();
    let matrix = upload(matrix.as_flattened().to_vec(), [1, 3, 3], &images.device().inner());
    matmul(lifted(&matrix, &images), images.reshape([n, 3, height * width])).reshape([n, 3, height, width])
}

/// Matrix of [`Colour::Saturation`].
fn saturation(factor: f32) -> [[f32; 3]; 3] {
    let own = |same: bool| if same { factor } else { 0.0 };
    std::array::from_fn(|r| std::array::from_fn(|c| (1.0 - factor) * WEIGHTS[c] + own(r == c)))
}

/// Matrix of [`Colour::Hue`]: rotates the chrominance plane about the luminance axis.
fn hue(circles: f32) -> [[f32; 3]; 3] {
    /// RGB to YIQ (NTSC, 1953).
    const TO_YIQ: [[f32; 3]; 3] = [WEIGHTS, [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]];
    /// YIQ to RGB.
    const TO_RGB: [[f32; 3]; 3] = [[1.0, 0.956, 0.619], [1.0, -0.272, -0.647], [1.0, -1.106, 1.703]];
    let (sin, cos) = (circles * std::f32::consts::TAU).sin_cos();
    times(TO_RGB, times([[1.0, 0.0, 0.0], [0.0, cos, sin], [0.0, -sin, cos]], TO_YIQ))
}

/// Product of two matrices.
fn times(a: [[f32; 3]; 3], b: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    std::array::from_fn(|r| std::array::from_fn(|c| (0..3).map(|k| a[r][k] * b[k][c]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn edited(colour: Colour, rgb: [f32; 3]) -> [f32; 3] {
        let image = Tensor::<1>::from_floats(rgb, &Device::flex()).reshape([1, 3, 1, 1]);
        let data = colour.apply(image).into_data().try_to_vec::<f32>().unwrap();
        [data[0], data[1], data[2]]
    }

    fn close(found: [f32; 3], expected: [f32; 3], tolerance: f32) {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < tolerance);
        assert!(near, "{found:?} for {expected:?}");
    }

    #[test]
    fn edits_match_their_definitions() {
        let colour = [0.6, 0.3, 0.2];
        close(edited(Colour::Brightness(2.0), colour), [1.0, 0.6, 0.4], 1e-6);
        let grey = 0.6 * 0.299 + 0.3 * 0.587 + 0.2 * 0.114;
        close(edited(Colour::Saturation(0.0), colour), [grey; 3], 1e-6);
        // The mean of one pixel is its own luminance.
        close(edited(Colour::Contrast(0.5), colour), colour.map(|c| (c + grey) / 2.0), 1e-6);
    }

    #[test]
    fn a_full_circle_of_hue_and_greys_change_nothing() {
        close(edited(Colour::Hue(0.37), [0.4; 3]), [0.4; 3], 2e-3);
        close(edited(Colour::Hue(1.0), [0.6, 0.3, 0.2]), [0.6, 0.3, 0.2], 2e-3);
        // A third of a circle takes red towards green.
        let [red, green, blue] = edited(Colour::Hue(1.0 / 3.0), [0.6, 0.3, 0.3]);
        assert!(green > red && green > blue, "{red} {green} {blue}");
    }
}
