//! What covers parts of an image: captions, stickers, the surroundings of a screenshot.

use burn::tensor::{Device, Int, Tensor};
use extractor::{beside, transfer::upload};
use rand::{Rng, RngExt};

/// Side of the dots that stand for letters, in pixels.
const LETTER: usize = 5;

/// `image * keep + cover`, on the host.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overlay {
    /// Height and width.
    size: [usize; 2],
    /// `[h * w]`.
    keep: Vec<f32>,
    /// `[3 * h * w]`.
    cover: Vec<f32>,
}

/// A rectangle of one colour, or as sparse as text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sticker {
    /// Its first row and column.
    first: [usize; 2],
    /// Its rows and columns.
    sides: [usize; 2],
    colour: [f32; 3],
    dense: bool,
}

/// What is around an image that does not cover all pixels: one colour, with dots on it for letters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Surroundings {
    colour: [f32; 3],
    /// How much of a letter there is in each square of [`LETTER`] pixels, row by row. Empty without letters.
    marks: Vec<f32>,
}

impl Sticker {
    /// Up to three, within an image of a height and width.
    pub fn draw([height, width]: [usize; 2], rng: &mut impl Rng) -> Vec<Self> {
        (0..rng.random_range(1..=3))
            .map(|_| {
                let sides: [f32; 2] = [rng.random_range(0.05..0.35), rng.random_range(0.07..0.55)];
                let corner: [f32; 2] = sides.map(|side| rng.random_range(0.0..1.0 - side));
                let colour = std::array::from_fn(|_| rng.random());
                let dense = rng.random_bool(0.5);
                let in_pixels =
                    |[y, x]: [f32; 2]| [y * height as f32, x * width as f32].map(|at| at as usize);
                Self { first: in_pixels(corner), sides: in_pixels(sides), colour, dense }
            })
            .collect()
    }

    /// All of them on the host, later ones on top.
    pub fn table(stickers: &[Self], size @ [height, width]: [usize; 2]) -> Overlay {
        let mut overlay =
            Overlay { size, keep: vec![1.0; height * width], cover: vec![0.0; 3 * height * width] };
        stickers.iter().for_each(|sticker| sticker.put(&mut overlay));
        overlay
    }

    fn put(&self, overlay: &mut Overlay) {
        let ([height, width], [rows, columns]) = (overlay.size, self.sides);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            if self.dense || !(row / LETTER + column / LETTER).is_multiple_of(3) {
                let place = (self.first[0] + row) * width + self.first[1] + column;
                overlay.keep[place] = 0.0;
                let planes = overlay.cover.chunks_exact_mut(height * width);
                planes.zip(self.colour).for_each(|(plane, c)| plane[place] = c);
            }
        }
    }

    /// The same for one of them by operations of every device, from its numbers.
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
        if !self.dense {
            let [down, across] = [rows, columns].map(|at| (at / LETTER as f32).floor());
            let diagonal = down.reshape([height, 1]) + across.reshape([1, width]);
            covered = covered * diagonal.remainder_scalar(3.0).greater_scalar(0.5).float();
        }
        let covered = covered.reshape([1, 1, height, width]);
        let cover = Tensor::cat(self.colour.map(|level| covered.clone() * level).into(), 1);
        let (keep, cover) = (beside(&(covered.neg() + 1.0), &images), beside(&cover, &images));
        images * keep + cover
    }
}

impl Surroundings {
    /// Of a colour, with letters so much darker or lighter, on an image of a height and width.
    pub fn draw([height, width]: [usize; 2], colour: [f32; 3], letters: f32, rng: &mut impl Rng) -> Self {
        let count = width.div_ceil(LETTER) * height.div_ceil(LETTER);
        let mark = |_| if rng.random_bool(0.3) { letters * rng.random::<f32>() } else { 0.0 };
        let marks: Vec<f32> = (0..count).map(mark).collect();
        Self { colour, marks: if letters > 0.0 { marks } else { Vec::new() } }
    }

    /// On the host, for an image that covers shares of the pixels.
    pub fn table(&self, coverage: impl Iterator<Item = f32>, size @ [height, width]: [usize; 2]) -> Overlay {
        let columns = width.div_ceil(LETTER);
        let mut cover = vec![0.0; 3 * height * width];
        for (place, share) in coverage.enumerate() {
            let mark = self.marks.get(place / width / LETTER * columns + place % width / LETTER);
            let mark = mark.copied().unwrap_or(0.0);
            for (plane, level) in cover.chunks_exact_mut(height * width).zip(self.colour) {
                plane[place] = (1.0 - share) * (level + (ink(level) - level) * mark);
            }
        }
        Overlay { size, keep: vec![1.0; height * width], cover }
    }

    /// The same by operations of every device: a number for each letter is sent there, where there are letters.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, `[1, 1, h, w]` -> `[n, 3, h, w]`
    pub fn on_device(&self, images: Tensor<4>, coverage: Tensor<4>) -> Tensor<4> {
        let ([_, _, height, width], device) = (images.dims(), coverage.device());
        let free = coverage.neg() + 1.0;
        let marked = self.spread([height, width], &device).map(|marks| marks * free.clone());
        let plane = |level: f32| match &marked {
            Some(marked) => free.clone() * level + marked.clone() * (ink(level) - level),
            None => free.clone() * level,
        };
        let cover = Tensor::cat(self.colour.map(plane).into(), 1);
        let cover = beside(&cover, &images);
        images + cover
    }

    /// The letters of every pixel, `[1, 1, h, w]`.
    fn spread(&self, [height, width]: [usize; 2], device: &Device) -> Option<Tensor<4>> {
        let [rows, columns] = [height, width].map(|side| side.div_ceil(LETTER));
        (!self.marks.is_empty()).then(|| {
            let marks = upload(self.marks.clone(), [rows, 1, columns, 1], device);
            let marks = marks.expand([rows, LETTER, columns, LETTER]);
            let marks: Tensor<4> = marks.reshape([1, 1, rows * LETTER, columns * LETTER]);
            marks.slice([0..1, 0..1, 0..height, 0..width])
        })
    }
}

/// Letters are dark on what is light and light on what is dark.
fn ink(level: f32) -> f32 {
    if level > 0.5 { 0.0 } else { 1.0 }
}

impl Overlay {
    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    pub fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let [height, width] = self.size;
        let device = image.device().inner();
        let constant = |values: &[f32], planes: usize| {
            beside(&upload(values.to_vec(), [1, planes, height, width], &device), &image)
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
            let stickers = Sticker::draw(size, &mut ChaCha8Rng::seed_from_u64(seed));
            let overlay = Sticker::table(&stickers, size);
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
        let surroundings = Surroundings::draw([2, 2], [1.0, 0.5, 0.0], 0.0, rng);
        let overlay = surroundings.table(coverage.into_iter(), [2, 2]);
        let black = Tensor::zeros([1, 3, 2, 2], &Device::flex());
        let found = overlay.apply(black).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(found, [0.0, 1.0, 0.0, 0.75, 0.0, 0.5, 0.0, 0.375, 0.0, 0.0, 0.0, 0.0]);
    }

    fn far(a: Tensor<4>, b: Tensor<4>) -> f32 {
        (a - b).abs().max().into_scalar::<f32>()
    }

    #[test]
    fn the_tables_of_the_cpu_are_what_every_device_computes() {
        for (seed, size @ [h, w]) in [(1, [288, 288]), (2, [40, 7]), (3, [9, 300]), (4, [50, 60])] {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let values =
                |planes: usize| (0..planes * h * w).map(|i| (i * 7919 % 251) as f32 / 250.0).collect();
            let image: Tensor<4> = upload(values(3), [1, 3, h, w], &Device::flex());
            let stickers = Sticker::draw(size, rng);
            let found = stickers.iter().fold(image.clone(), |image, sticker| sticker.on_device(image));
            assert!(far(found, Sticker::table(&stickers, size).apply(image.clone())) < 1e-6);
            for (colour, letters) in [([0.0; 3], 0.0), ([1.0; 3], 1.0), ([0.7, 0.2, 0.5], 0.5)] {
                let surroundings = Surroundings::draw(size, colour, letters, rng);
                let coverage: Vec<f32> = values(1);
                let expected = surroundings.table(coverage.iter().copied(), size).apply(image.clone());
                let coverage = upload(coverage, [1, 1, h, w], &Device::flex());
                assert!(far(surroundings.on_device(image.clone(), coverage), expected) < 1e-6);
            }
        }
    }
}
