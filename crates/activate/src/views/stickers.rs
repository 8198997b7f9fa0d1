//! Stickers and captions that cover parts of an image.

use burn::tensor::{Int, Tensor};
use device_math::constants::lifted;
use rand::{Rng, RngExt};

use super::overlay::{LETTER, Overlay};

/// Rectangle of one colour, either solid or with gaps like text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sticker {
    /// First row and column.
    first: [usize; 2],
    /// Number of rows and columns.
    sides: [usize; 2],
    colour: [f32; 3],
    is_solid: bool,
}

impl Sticker {
    /// Draws one to three stickers within an image of this height and width.
    pub fn draw([height, width]: [usize; 2], rng: &mut impl Rng) -> Vec<Self> {
        (0..rng.random_range(1..=3))
            .map(|_| {
                let sides: [f32; 2] = [rng.random_range(0.05..0.35), rng.random_range(0.07..0.55)];
                let corner: [f32; 2] = sides.map(|side| rng.random_range(0.0..1.0 - side));
                let colour = std::array::from_fn(|_| rng.random());
                let is_solid = rng.random_bool(0.5);
                let in_pixels =
                    |[y, x]: [f32; 2]| [y * height as f32, x * width as f32].map(|at| at as usize);
                Self { first: in_pixels(corner), sides: in_pixels(sides), colour, is_solid }
            })
            .collect()
    }

    /// Overlay of stickers on the CPU, later ones on top.
    pub fn table(stickers: &[Self], size @ [height, width]: [usize; 2]) -> Overlay {
        let mut overlay =
            Overlay { size, keep: vec![1.0; height * width], cover: vec![0.0; 3 * height * width] };
        stickers.iter().for_each(|sticker| sticker.put(&mut overlay));
        overlay
    }

    fn put(&self, overlay: &mut Overlay) {
        let ([height, width], [rows, columns]) = (overlay.size, self.sides);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            if self.is_solid || !(row / LETTER + column / LETTER).is_multiple_of(3) {
                let place = (self.first[0] + row) * width + self.first[1] + column;
                overlay.keep[place] = 0.0;
                let planes = overlay.cover.chunks_exact_mut(height * width);
                planes.zip(self.colour).for_each(|(plane, c)| plane[place] = c);
            }
        }
    }

    /// Puts one sticker on images, computed from its numbers on any device.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, 3, h, w]`
    pub fn on_device(&self, images: Tensor<4>) -> Tensor<4> {
        let ([_, _, height, width], device) = (images.dims(), images.device().inner());
        let [rows, columns] = [(height, 0), (width, 1)].map(|(side, axis)| {
            Tensor::<1, Int>::arange(0..side as i64, &device).float() - self.first[axis] as f32
        });
        let within = |at: &Tensor<1>, side: usize| {
            at.clone().greater_equal_scalar(0.0).float() * at.clone().lower_scalar(side as f32).float()
        };
        let [high, wide] = [within(&rows, self.sides[0]), within(&columns, self.sides[1])];
        let mut covered = high.reshape([height, 1]) * wide.reshape([1, width]);
        if !self.is_solid {
            let [down, across] = [rows, columns].map(|at| (at / LETTER as f32).floor());
            let diagonal = down.reshape([height, 1]) + across.reshape([1, width]);
            covered = covered * diagonal.remainder_scalar(3.0).greater_scalar(0.5).float();
        }
        let covered = covered.reshape([1, 1, height, width]);
        let cover = Tensor::cat(self.colour.map(|level| covered.clone() * level).into(), 1);
        let (keep, cover) = (lifted(&(covered.neg() + 1.0), &images), lifted(&cover, &images));
        images * keep + cover
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use device_math::transfer::upload;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn stickers_hide_parts_of_every_image() {
        for (seed, size) in [(1, [288, 288]), (2, [40, 7]), (3, [9, 300])] {
            let stickers = Sticker::draw(size, &mut ChaCha8Rng::seed_from_u64(seed));
            let overlay = Sticker::table(&stickers, size);
            let kept: f32 = overlay.keep.iter().sum();
            assert!(kept < (size[0] * size[1]) as f32 && kept > 0.0, "{size:?}: {kept}");
            let covered = overlay.keep.iter().zip(&overlay.cover);
            assert!(covered.clone().all(|(&keep, &red)| keep == 0.0 || red == 0.0));
        }
    }

    #[test]
    fn the_table_of_the_cpu_is_what_every_device_computes() {
        for (seed, size @ [h, w]) in [(1, [288, 288]), (2, [40, 7]), (3, [9, 300]), (4, [50, 60])] {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let values = (0..3 * h * w).map(|i| (i * 7919 % 251) as f32 / 250.0).collect();
            let image: Tensor<4> = upload(values, [1, 3, h, w], &Device::flex());
            let stickers = Sticker::draw(size, rng);
            let found = stickers.iter().fold(image.clone(), |image, sticker| sticker.on_device(image));
            let difference = (found - Sticker::table(&stickers, size).apply(image)).abs().max();
            assert!(difference.into_scalar::<f32>() < 1e-6);
        }
    }
}
