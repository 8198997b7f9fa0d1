//! Random compositions of edits in the manner of AugLy; [`Edit::composition`] documents the odds and ranges.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::edit::Edit;

/// One edit of a composition.
pub(super) struct Step {
    pub edit: Edit,
    /// Seed of the edit itself.
    pub seed: u64,
}

/// Draws the edits of a composition from the seed alone.
pub(super) fn plan(seed: u64) -> Vec<Step> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let length = length(&mut rng);
    let mut steps: Vec<Step> = Vec::with_capacity(length);
    while steps.len() < length {
        let edit = draw(&mut rng);
        if steps.iter().all(|step| step.edit.name() != edit.name()) {
            steps.push(Step { edit, seed: rng.random() });
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

fn draw(rng: &mut ChaCha8Rng) -> Edit {
    let families = [colour, overlay, pixel, spatial];
    families[rng.random_range(0..families.len())](rng)
}

fn colour(rng: &mut ChaCha8Rng) -> Edit {
    match rng.random_range(0..7) {
        0 => Edit::Brightness { factor: rng.random_range(0.0..2.0) },
        1 => Edit::Contrast { factor: rng.random_range(0.0..2.0) },
        2 => Edit::Saturation { factor: rng.random_range(0.0..2.0) },
        3 => Edit::Hue { shift: rng.random_range(-0.5..0.5) },
        4 => Edit::Opacity { level: rng.random_range(0.2..1.0) },
        5 => Edit::Greyscale,
        _ => Edit::Palette,
    }
}

fn overlay(rng: &mut ChaCha8Rng) -> Edit {
    let members = [Edit::Text, Edit::Emoji, Edit::Meme, Edit::Screenshot];
    members[rng.random_range(0..members.len())]
}

fn pixel(rng: &mut ChaCha8Rng) -> Edit {
    match rng.random_range(0..5) {
        0 => Edit::Blur { kernel: 2 * rng.random_range(1..=14) + 1 },
        1 => Edit::Pixelize { ratio: rng.random_range(0.1..1.0) },
        2 => Edit::ShufflePixels { fraction: rng.random_range(0.0..0.5) },
        3 => Edit::Jpeg { quality: rng.random_range(10..=90) },
        _ => Edit::Edges,
    }
}

fn spatial(rng: &mut ChaCha8Rng) -> Edit {
    match rng.random_range(0..8) {
        0 => Edit::CentreCrop { area: rng.random_range(0.25..1.0) },
        1 => Edit::Rotation { degrees: rng.random_range(-180.0..180.0) },
        2 => Edit::FlipHorizontal,
        3 => Edit::FlipVertical,
        4 => Edit::AspectRatio { ratio: rng.random_range(0.5..2.0) },
        5 => Edit::PadSquare,
        6 => Edit::Resize { area: rng.random_range(0.1..1.0) },
        _ => Edit::Perspective { sigma: 0.06 },
    }
}
