//! Points of each pixel that a warp samples.

use burn::tensor::{Device, Int, Tensor};

use super::super::affine::Affine;

/// Largest number of points on each side of a pixel.
const MAX_POINTS: usize = 3;

/// Number of points on each side of a pixel: about the number of image pixels that it covers.
pub(super) fn points_per_side(map: Affine, [height, width]: [usize; 2]) -> usize {
    // The result has as many pixels on each side as the image.
    let aspect = height as f32 / width as f32;
    let [across, down] = map.slopes();
    let steps = [across[0].hypot(across[1] * aspect), down[1].hypot(down[0] / aspect)];
    (steps[0].max(steps[1]).round() as usize).clamp(1, MAX_POINTS)
}

/// Coordinate of a point of a pixel, as a share of the side. Points are counted from 0.
pub(super) fn centre(pixel: usize, point: usize, points: usize, side: usize) -> f32 {
    (pixel as f32 + (point as f32 + 0.5) / points as f32) / side as f32
}

/// Coordinates of a point of every pixel of a side, `[side]`.
pub(super) fn centres(side: usize, point: usize, points: usize, device: &Device) -> Tensor<1> {
    let inside = (point as f32 + 0.5) / points as f32;
    (Tensor::<1, Int>::arange(0..side as i64, device).float() + inside) / side as f32
}
