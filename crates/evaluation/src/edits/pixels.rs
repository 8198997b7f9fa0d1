//! Edits of the size and order of pixels.

use image::RgbImage;
use rand::{
    SeedableRng,
    seq::{SliceRandom, index},
};
use rand_chacha::ChaCha8Rng;

use super::{
    geometry::scaled,
    resample::{BICUBIC, resample},
};
use crate::error::Result;

/// Shrinks both sides by `ratio` and enlarges again (AugLy's `pixelization`), bicubic, Pillow's default.
pub(super) fn pixelize(image: &RgbImage, ratio: f32) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let small = resample(image, scaled(width, ratio.into()), scaled(height, ratio.into()), BICUBIC)?;
    resample(&small, width, height, BICUBIC)
}

/// Permutes `fraction` of the pixels among themselves (AugLy's `shuffle_pixels`).
pub(super) fn shuffle(image: &RgbImage, fraction: f32, seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let width = image.width() as usize;
    let pixels = width * image.height() as usize;
    // The margin compensates for fractions in float32.
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
