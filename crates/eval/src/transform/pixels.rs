//! Edits of single pixels' places and sizes.

use fast_image_resize::ResizeAlg;
use image::RgbImage;
use rand::SeedableRng;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;

use super::geometry::{BILINEAR, resample};
use crate::error::Result;

/// Shrinks both sides by `ratio`, then enlarges without smoothing.
pub(super) fn pixelize(image: &RgbImage, ratio: f32) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let blocks = |side: u32| ((side as f32 * ratio) as u32).max(1);
    let small = resample(image, blocks(width), blocks(height), BILINEAR)?;
    resample(&small, width, height, ResizeAlg::Nearest)
}

/// Permutes `fraction` of the pixels among themselves.
pub(super) fn shuffle(image: &RgbImage, fraction: f32, seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let width = image.width() as usize;
    let pixels = width * image.height() as usize;
    let moved = (pixels as f64 * f64::from(fraction)).round() as usize;
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
