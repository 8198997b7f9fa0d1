//! Overlays of an image on the CPU, and the letters drawn on them.

use burn::tensor::Tensor;
use device_math::{constants::lifted, transfer::upload};

/// Side of the squares that stand for letters, in pixels.
pub(super) const LETTER: usize = 5;

/// Overlay `image * keep + cover`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overlay {
    /// Height and width.
    pub size: [usize; 2],
    /// Factor of each pixel, `[h * w]`.
    pub keep: Vec<f32>,
    /// Summand of each value, `[3 * h * w]`.
    pub cover: Vec<f32>,
}

impl Overlay {
    /// Puts the overlay on an image.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    pub fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let [height, width] = self.size;
        let device = image.device().inner();
        let constant = |values: &[f32], planes: usize| {
            lifted(&upload(values.to_vec(), [1, planes, height, width], &device), &image)
        };
        let (keep, cover) = (constant(&self.keep, 1), constant(&self.cover, 3));
        image * keep + cover
    }
}
