//! Background of an image that does not cover its canvas: the page of a screenshot, the band of a caption.

use burn::tensor::{Device, Tensor};
use device_math::{constants::lifted, transfer::upload};
use rand::{Rng, RngExt};

use super::overlay::{LETTER, Overlay};

/// Background of one colour, with squares that stand for letters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Background {
    colour: [f32; 3],
    /// Strength of the letter in each square of [`LETTER`] pixels, in [0, 1], row by row. Empty without letters.
    letters: Vec<f32>,
}

impl Background {
    /// Draws a background of this colour for an image of this height and width. `strength` is that of the strongest
    /// letter; 0 draws none.
    pub fn draw([height, width]: [usize; 2], colour: [f32; 3], strength: f32, rng: &mut impl Rng) -> Self {
        let count = width.div_ceil(LETTER) * height.div_ceil(LETTER);
        let letter = |_| if rng.random_bool(0.3) { strength * rng.random::<f32>() } else { 0.0 };
        let letters: Vec<f32> = (0..count).map(letter).collect();
        Self { colour, letters: if strength > 0.0 { letters } else { Vec::new() } }
    }

    /// Overlay of the background on the CPU. `coverage` is the share of each pixel that the image covers.
    pub fn table(&self, coverage: impl Iterator<Item = f32>, size @ [height, width]: [usize; 2]) -> Overlay {
        let columns = width.div_ceil(LETTER);
        let mut cover = vec![0.0; 3 * height * width];
        for (place, share) in coverage.enumerate() {
            let letter = self.letters.get(place / width / LETTER * columns + place % width / LETTER);
            let letter = letter.copied().unwrap_or(0.0);
            for (plane, level) in cover.chunks_exact_mut(height * width).zip(self.colour) {
                plane[place] = (1.0 - share) * (level + (ink(level) - level) * letter);
            }
        }
        Overlay { size, keep: vec![1.0; height * width], cover }
    }

    /// Puts the background behind images, computed on any device. One number per letter is sent there.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, coverage `[1, 1, h, w]` -> `[n, 3, h, w]`
    pub fn on_device(&self, images: Tensor<4>, coverage: Tensor<4>) -> Tensor<4> {
        let ([_, _, height, width], device) = (images.dims(), coverage.device());
        let free = coverage.neg() + 1.0;
        let lettered = self.letters_of_pixels([height, width], &device).map(|letters| letters * free.clone());
        let plane = |level: f32| match &lettered {
            Some(lettered) => free.clone() * level + lettered.clone() * (ink(level) - level),
            None => free.clone() * level,
        };
        let cover = Tensor::cat(self.colour.map(plane).into(), 1);
        let cover = lifted(&cover, &images);
        images + cover
    }

    /// Strength of the letter at every pixel, `[1, 1, h, w]`; `None` without letters.
    fn letters_of_pixels(&self, [height, width]: [usize; 2], device: &Device) -> Option<Tensor<4>> {
        let [rows, columns] = [height, width].map(|side| side.div_ceil(LETTER));
        (!self.letters.is_empty()).then(|| {
            let letters = upload(self.letters.clone(), [rows, 1, columns, 1], device);
            let letters = letters.expand([rows, LETTER, columns, LETTER]);
            let letters: Tensor<4> = letters.reshape([1, 1, rows * LETTER, columns * LETTER]);
            letters.slice([0..1, 0..1, 0..height, 0..width])
        })
    }
}

/// Level of letters: dark on light backgrounds, light on dark ones.
fn ink(level: f32) -> f32 {
    if level > 0.5 { 0.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_background_leaves_the_image_alone() {
        let coverage = [1.0, 0.0, 1.0, 0.25];
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let background = Background::draw([2, 2], [1.0, 0.5, 0.0], 0.0, rng);
        let overlay = background.table(coverage.into_iter(), [2, 2]);
        let black = Tensor::zeros([1, 3, 2, 2], &Device::flex());
        let found = overlay.apply(black).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(found, [0.0, 1.0, 0.0, 0.75, 0.0, 0.5, 0.0, 0.375, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_table_of_the_cpu_is_what_every_device_computes() {
        for (seed, size @ [h, w]) in [(1, [288, 288]), (2, [40, 7]), (3, [9, 300]), (4, [50, 60])] {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let values =
                |planes: usize| (0..planes * h * w).map(|i| (i * 7919 % 251) as f32 / 250.0).collect();
            let image: Tensor<4> = upload(values(3), [1, 3, h, w], &Device::flex());
            for (colour, strength) in [([0.0; 3], 0.0), ([1.0; 3], 1.0), ([0.7, 0.2, 0.5], 0.5)] {
                let background = Background::draw(size, colour, strength, rng);
                let coverage: Vec<f32> = values(1);
                let expected = background.table(coverage.iter().copied(), size).apply(image.clone());
                let coverage = upload(coverage, [1, 1, h, w], &Device::flex());
                let found = background.on_device(image.clone(), coverage);
                let difference = (found - expected).abs().max();
                assert!(difference.into_scalar::<f32>() < 1e-6);
            }
        }
    }
}
