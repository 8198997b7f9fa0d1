//! Weights of a warp on the CPU, as a table.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{
    super::{
        affine::Affine,
        sparse_map::{self, SparseMap},
    },
    sampling::{centre, points_per_side},
};

/// Table of a warp: every pixel of the result as a weighted sum of pixels of the image.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::views) struct Table {
    /// Height and width of both the image and the result.
    size: [usize; 2],
    /// Sums, with weights of 0 outside the image.
    sums: Arc<SparseMap>,
}

impl Table {
    /// Table of a map from the result to an image of the same height and width.
    pub fn new(map: Affine, size @ [height, width]: [usize; 2]) -> Self {
        let points = points_per_side(map, size);
        let count = 4 * points * points;
        let (mut sources, mut weights) = (vec![0; height * width * count], vec![0.0; height * width * count]);
        let pixels = sources.chunks_exact_mut(count).zip(weights.chunks_exact_mut(count));
        for (place, (sources, weights)) in pixels.enumerate() {
            let quads = sources.as_chunks_mut::<4>().0.iter_mut().zip(weights.as_chunks_mut::<4>().0);
            for (point, (sources, weights)) in quads.enumerate() {
                let u = centre(place % width, point % points, points, width);
                let v = centre(place / width, point / points, points, height);
                bilinear(map.at([u, v]), size, sources, weights);
            }
            weights.iter_mut().for_each(|weight| *weight /= (points * points) as f32);
        }
        Self { size, sums: Arc::new(SparseMap { count, sources, weights }) }
    }

    /// Share of each pixel that comes from the image, `h * w` of them.
    pub fn coverage(&self) -> impl Iterator<Item = f32> {
        self.sums.weights.chunks_exact(self.sums.count).map(|weights| weights.iter().sum())
    }

    /// Warped image.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    ///
    /// # Panics
    /// If the image has another height or width.
    pub fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = image.dims();
        assert_eq!([height, width], self.size, "height and width of the image");
        sparse_map::apply(&self.sums, image)
    }
}

/// Writes the four pixels around a point and their weights; nothing for a point outside the image.
fn bilinear([x, y]: [f32; 2], [height, width]: [usize; 2], sources: &mut [i32; 4], weights: &mut [f32; 4]) {
    if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
        return;
    }
    let ([left, right], share_x) = neighbours(x, width);
    let ([above, below], share_y) = neighbours(y, height);
    let place = |row: usize, column: usize| (row * width + column) as i32;
    *sources = [place(above, left), place(above, right), place(below, left), place(below, right)];
    let [upper, lower] = [1.0 - share_y, share_y];
    *weights = [upper * (1.0 - share_x), upper * share_x, lower * (1.0 - share_x), lower * share_x];
}

/// Pixels on either side of a coordinate in [0, 1), clamped to the image, and the weight of the second.
fn neighbours(at: f32, length: usize) -> ([usize; 2], f32) {
    let position = at * length as f32 - 0.5;
    let first = position.floor();
    let pixel = |i: f32| (i.max(0.0) as usize).min(length - 1);
    ([pixel(first), pixel(first + 1.0)], position - first)
}
