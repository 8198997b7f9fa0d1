//! Random compositions in the manner of AugLy. [`Transform::composition`] documents the odds and ranges.

use image::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Transform;
use crate::error::Result;

/// One edit of a composition and the seed it gets.
pub(super) struct Step {
    pub transform: Transform,
    pub seed: u64,
}

pub(super) fn auto(image: &RgbImage, seed: u64) -> Result<RgbImage> {
    plan(seed).iter().try_fold(image.clone(), |edited, step| step.transform.apply(&edited, step.seed))
}

/// Depends on nothing but the seed.
pub(super) fn plan(seed: u64) -> Vec<Step> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let length = length(&mut rng);
    let mut steps: Vec<Step> = Vec::with_capacity(length);
    while steps.len() < length {
        let transform = draw(&mut rng);
        if steps.iter().all(|step| step.transform.name() != transform.name()) {
            steps.push(Step { transform, seed: rng.random() });
        }
    }
    steps
}

fn length(rng: &mut ChaCha8Rng) -> usize {
    match rng.random_range(0..10) {
        0 => 1,
        1..=2 => 2,
        3..=5 => 3,
        _ => 4,
    }
}

fn draw(rng: &mut ChaCha8Rng) -> Transform {
    let families = [colour, overlay, pixel, spatial];
    families[rng.random_range(0..families.len())](rng)
}

fn colour(rng: &mut ChaCha8Rng) -> Transform {
    match rng.random_range(0..7) {
        0 => Transform::Brightness { factor: rng.random_range(0.0..2.0) },
        1 => Transform::Contrast { factor: rng.random_range(0.0..2.0) },
        2 => Transform::Saturation { factor: rng.random_range(0.0..2.0) },
        3 => Transform::Hue { shift: rng.random_range(-0.5..0.5) },
        4 => Transform::Opacity { level: rng.random_range(0.2..1.0) },
        5 => Transform::Greyscale,
        _ => Transform::Palette,
    }
}

fn overlay(rng: &mut ChaCha8Rng) -> Transform {
    let members = [Transform::Text, Transform::Emoji, Transform::Meme, Transform::Screenshot];
    members[rng.random_range(0..members.len())]
}

fn pixel(rng: &mut ChaCha8Rng) -> Transform {
    match rng.random_range(0..5) {
        0 => Transform::Blur { kernel: 2 * rng.random_range(1..=14) + 1 },
        1 => Transform::Pixelize { ratio: rng.random_range(0.1..1.0) },
        2 => Transform::ShufflePixels { fraction: rng.random_range(0.0..0.5) },
        3 => Transform::Jpeg { quality: rng.random_range(10..=90) },
        _ => Transform::Edges,
    }
}

fn spatial(rng: &mut ChaCha8Rng) -> Transform {
    match rng.random_range(0..8) {
        0 => Transform::CentreCrop { area: rng.random_range(0.25..1.0) },
        1 => Transform::Rotation { degrees: rng.random_range(-180.0..180.0) },
        2 => Transform::FlipHorizontal,
        3 => Transform::FlipVertical,
        4 => Transform::AspectRatio { ratio: rng.random_range(0.5..2.0) },
        5 => Transform::PadSquare,
        6 => Transform::Resize { area: rng.random_range(0.1..1.0) },
        _ => Transform::Perspective { sigma: 0.06 },
    }
}
