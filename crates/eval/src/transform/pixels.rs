//! Edits of single pixels' places and sizes.

use image::RgbImage;
use rand::SeedableRng;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;

use super::geometry::scaled;
use super::resample::{BICUBIC, resample};
use crate::error::Result;

/// AugLy's `pixelization`: shrinks both sides by `ratio` and enlarges again, smoothly, as Pillow does where no
/// filter is named.
pub(super) fn pixelize(image: &RgbImage, ratio: f32) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let small = resample(image, scaled(width, ratio.into()), scaled(height, ratio.into()), BICUBIC)?;
    resample(&small, width, height, BICUBIC)
}

/// AugLy's `shuffle_pixels`: permutes `fraction` of the pixels among themselves.
pub(super) fn shuffle(image: &RgbImage, fraction: f32, seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let width = image.width() as usize;
    let pixels = width * image.height() as usize;
    // the margin makes up for fractions that are f32
    let moved = (pixels as f64 * f64::from(fraction) + 1e-4) as usize;
    let places = index::sample(&mut rng, pixels, moved).into_vec();
    let mut sources = places.clone();
    sources.shuffle(&mut rng);
    let at = |place: usize| ((place % width) as u32, (place / width) as u32);
    let mut shuffled = image.clone();
    for (place, source) in places.into_iter().zip(sources) {
        shuffled[at(place)] = image[at(source)];
    }
    shuffled
}
