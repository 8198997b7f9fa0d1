//! Edits that move pixels along the axes: crops, resize, aspect ratio, padding.

use image::{RgbImage, imageops};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    canvas::{BLACK, blank},
    resample::{BICUBIC, BILINEAR, resample},
};
use crate::error::Result;

/// Returns a side scaled by `factor`, truncated to whole pixels, at least 1. The margin compensates for parameters in
/// float32: 0.8 * 100 is 80, not 79.
pub(super) fn scaled(side: u32, factor: f64) -> u32 {
    ((f64::from(side) * factor + 1e-4) as u32).max(1)
}

/// Returns width and height of a crop to a share of the area.
pub(super) fn cropped(image: &RgbImage, area: f32) -> (u32, u32) {
    let factor = f64::from(area).sqrt();
    (scaled(image.width(), factor), scaled(image.height(), factor))
}

pub(super) fn centre_crop(image: &RgbImage, area: f32) -> RgbImage {
    let (width, height) = cropped(image, area);
    let margin = |whole: u32, kept: u32| (f64::from(whole - kept) / 2.0).round_ties_even() as u32;
    crop_at(image, area, margin(image.width(), width), margin(image.height(), height))
}

/// Crops at a place that is drawn uniformly among those inside the image.
pub(super) fn off_centre_crop(image: &RgbImage, area: f32, seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (width, height) = cropped(image, area);
    let mut corner = |whole: u32, kept: u32| rng.random_range(0..=whole - kept);
    let (x, y) = (corner(image.width(), width), corner(image.height(), height));
    crop_at(image, area, x, y)
}

/// Crops to a share of the area, the upper left corner at (x, y).
pub(super) fn crop_at(image: &RgbImage, area: f32, x: u32, y: u32) -> RgbImage {
    let (width, height) = cropped(image, area);
    imageops::crop_imm(image, x, y, width, height).to_image()
}

pub(super) fn resize(image: &RgbImage, area: f32) -> Result<RgbImage> {
    let factor = f64::from(area).sqrt();
    resample(image, scaled(image.width(), factor), scaled(image.height(), factor), BILINEAR)
}

/// Stretches to an aspect ratio of the same area (AugLy's `change_aspect_ratio`).
pub(super) fn aspect_ratio(image: &RgbImage, ratio: f32) -> Result<RgbImage> {
    let area = u64::from(image.width()) * u64::from(image.height());
    let width = scaled(1, (area as f64 * f64::from(ratio)).sqrt());
    resample(image, width, ((area / u64::from(width)) as u32).max(1), BICUBIC)
}

/// Pads the shorter side with black (Pillow's `ImageOps.pad`). AugLy's `pad_square` is the same, but ends one pixel short
/// of a square if one side is odd and the other even.
pub(super) fn pad_square(image: &RgbImage) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let side = width.max(height);
    let mut square = blank(side, side, BLACK)?;
    let margin = |length: u32| (f64::from(side - length) / 2.0).round_ties_even() as i64;
    imageops::replace(&mut square, image, margin(width), margin(height));
    Ok(square)
}

/// Adds bars of black above and below, each `bar` of the height, in whole pixels.
pub(super) fn letterbox(image: &RgbImage, bar: f32) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    // The margin compensates for shares in float32.
    let bar = (f64::from(height) * f64::from(bar) + 1e-4) as u32;
    let mut boxed = blank(width, height.saturating_add(2 * bar), BLACK)?;
    imageops::replace(&mut boxed, image, 0, i64::from(bar));
    Ok(boxed)
}
