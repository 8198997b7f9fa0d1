//! Edits that move pixels along the axes: crop, resize, aspect ratio, padding.

use image::{RgbImage, imageops};

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

pub(super) fn centre_crop(image: &RgbImage, area: f32) -> RgbImage {
    let factor = f64::from(area).sqrt();
    let (width, height) = (scaled(image.width(), factor), scaled(image.height(), factor));
    let margin = |whole: u32, kept: u32| (f64::from(whole - kept) / 2.0).round_ties_even() as u32;
    let (x, y) = (margin(image.width(), width), margin(image.height(), height));
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
