//! What covers parts of an image: captions, stickers, the surroundings of a screenshot.

use burn::tensor::{Tensor, TensorData};
use extractor::beside;
use rand::{Rng, RngExt};

/// Side of the dots that stand for letters, in pixels.
const LETTER: usize = 5;

/// `image * keep + cover`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overlay {
    /// Height and width.
    size: [usize; 2],
    /// `[h * w]`.
    keep: Vec<f32>,
    /// `[3 * h * w]`.
    cover: Vec<f32>,
}

impl Overlay {
    /// Up to three rectangles of one colour each, half of them as sparse as text.
    pub fn stickers(size @ [height, width]: [usize; 2], rng: &mut impl Rng) -> Self {
        let mut overlay =
            Self { size, keep: vec![1.0; height * width], cover: vec![0.0; 3 * height * width] };
        for _ in 0..rng.random_range(1..=3) {
            let sides = [rng.random_range(0.05..0.35), rng.random_range(0.07..0.55)];
            let corner = sides.map(|side| rng.random_range(0.0..1.0 - side));
            let colour = std::array::from_fn(|_| rng.random());
            let dense = rng.random_bool(0.5);
            overlay.put(corner, sides, colour, dense);
        }
        overlay
    }

    /// Surroundings for an image that covers shares of the pixels: of one colour, with dots on it for letters.
    pub fn around(
        coverage: impl Iterator<Item = f32>,
        size @ [height, width]: [usize; 2],
        colour: [f32; 3],
        letters: f32,
        rng: &mut impl Rng,
    ) -> Self {
        let columns = width.div_ceil(LETTER);
        let marks: Vec<f32> = (0..columns * height.div_ceil(LETTER))
            .map(|_| if rng.random_bool(0.3) { letters * rng.random::<f32>() } else { 0.0 })
            .collect();
        let mut cover = vec![0.0; 3 * height * width];
        for (place, share) in coverage.enumerate() {
            let mark = marks[place / width / LETTER * columns + place % width / LETTER];
            for (plane, level) in cover.chunks_exact_mut(height * width).zip(colour) {
                // Letters are dark on what is light and light on what is dark.
                let ink = if level > 0.5 { 0.0 } else { 1.0 };
                plane[place] = (1.0 - share) * (level + (ink - level) * mark);
            }
        }
        Self { size, keep: vec![1.0; height * width], cover }
    }

    fn put(&mut self, corner: [f32; 2], sides: [f32; 2], colour: [f32; 3], dense: bool) {
        let [height, width] = self.size;
        let first = [corner[0] * height as f32, corner[1] * width as f32].map(|at| at as usize);
        let [rows, columns] =
            [sides[0] * height as f32, sides[1] * width as f32].map(|length| length as usize);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            if dense || !(row / LETTER + column / LETTER).is_multiple_of(3) {
                let place = (first[0] + row) * width + first[1] + column;
                self.keep[place] = 0.0;
                self.cover
                    .chunks_exact_mut(height * width)
                    .zip(colour)
                    .for_each(|(plane, c)| plane[place] = c);
            }
        }
    }

    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    pub fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let [height, width] = self.size;
        let device = image.device().inner();
        let constant = |values: &[f32], planes: usize| {
            let data = TensorData::new(values.to_vec(), [1, planes, height, width]);
            beside(&Tensor::<4>::from_data(data, &device), &image)
        };
        let (keep, cover) = (constant(&self.keep, 1), constant(&self.cover, 3));
        image * keep + cover
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn stickers_hide_parts_of_every_image() {
        for (seed, size) in [(1, [288, 288]), (2, [40, 7]), (3, [9, 300])] {
            let overlay = Overlay::stickers(size, &mut ChaCha8Rng::seed_from_u64(seed));
            let kept: f32 = overlay.keep.iter().sum();
            assert!(kept < (size[0] * size[1]) as f32 && kept > 0.0, "{size:?}: {kept}");
            let covered = overlay.keep.iter().zip(&overlay.cover);
            assert!(covered.clone().all(|(&keep, &red)| keep == 0.0 || red == 0.0));
        }
    }

    #[test]
    fn surroundings_leave_the_image_alone() {
        let coverage = [1.0, 0.0, 1.0, 0.25];
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let overlay = Overlay::around(coverage.into_iter(), [2, 2], [1.0, 0.5, 0.0], 0.0, rng);
        let black = Tensor::zeros([1, 3, 2, 2], &Device::flex());
        let found = overlay.apply(black).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(found, [0.0, 1.0, 0.0, 0.75, 0.0, 0.5, 0.0, 0.375, 0.0, 0.0, 0.0, 0.0]);
    }
}
