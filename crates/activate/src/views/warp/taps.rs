//! Weights of a warp on any device, computed there.

use burn::tensor::{Device, Int, Tensor};
use device_math::constants::lifted;

use super::{super::affine::Affine, sampling::centres};

/// The four pixels around one point of every pixel.
pub(super) struct Taps {
    /// Place of each of the four in the plane, `[4 * h * w]`.
    sources: Tensor<1, Int>,
    /// Weight of each, 0 outside the image, `[4, h * w]`.
    weights: Tensor<2>,
    /// 1 for points in the image and 0 for others, `[h * w]`.
    pub inside: Tensor<1>,
}

impl Taps {
    /// Taps of one point. `point` is its row and column among `points` of each.
    pub fn new(
        map: Affine,
        [height, width]: [usize; 2],
        point: [usize; 2],
        points: usize,
        device: &Device,
    ) -> Self {
        let u = centres(width, point[1], points, device).reshape([1, width]);
        let v = centres(height, point[0], points, device).reshape([height, 1]);
        let [x, y] = map.all([u, v]).map(|at| at.reshape([height * width]));
        let inside = [x.clone(), y.clone()]
            .map(|at| at.clone().greater_equal_scalar(0.0).float() * at.lower_scalar(1.0).float());
        let [inside_x, inside_y] = inside;
        let inside = inside_x * inside_y;
        let ([left, right], share_x) = neighbours(x, width);
        let ([above, below], share_y) = neighbours(y, height);
        let place = |row: &Tensor<1>, column: &Tensor<1>| row.clone() * width as f64 + column.clone();
        let places =
            [place(&above, &left), place(&above, &right), place(&below, &left), place(&below, &right)];
        // Weights of the upper and the lower row, of the left and the right column.
        let rows = [share_y.clone().neg() + 1.0, share_y].map(|share| share * inside.clone());
        let columns = [share_x.clone().neg() + 1.0, share_x];
        let weights = [[0, 0], [0, 1], [1, 0], [1, 1]]
            .map(|[row, column]| (rows[row].clone() * columns[column].clone()).reshape([1, height * width]));
        Self { sources: Tensor::cat(places.into(), 0).int(), weights: Tensor::cat(weights.into(), 0), inside }
    }

    /// Weighted sums of the taps of each plane.
    ///
    /// # Shapes
    /// `[planes, h * w]` -> `[planes, h * w]`
    pub fn sum(&self, planes: Tensor<2>) -> Tensor<2> {
        let ([count, pixels], taps) = (planes.dims(), self.sources.dims()[0]);
        // Every plane has its own sources: with shared ones a single thread would sum the gradients.
        let sources = self.sources.clone().reshape([1, taps]).expand([count, taps]);
        let sources = if planes.is_autodiff() { sources.autodiff() } else { sources };
        let weights = lifted(&self.weights, &planes).reshape([1, 4, pixels]);
        (planes.gather(1, sources).reshape([count, 4, pixels]) * weights).sum_dim(1).reshape([count, pixels])
    }
}

/// Pixels on either side of coordinates in [0, 1), clamped to the image, and the weights of the second.
fn neighbours(at: Tensor<1>, length: usize) -> ([Tensor<1>; 2], Tensor<1>) {
    let position = at * length as f32 - 0.5;
    let first = position.clone().floor();
    let pixel = |i: Tensor<1>| i.clamp(0.0, (length - 1) as f32);
    ([pixel(first.clone()), pixel(first.clone() + 1.0)], position - first)
}
