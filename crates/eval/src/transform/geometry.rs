//! Edits that move pixels along the axes: crop, resize, aspect ratio, padding.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{RgbImage, imageops};

use super::canvas::{BLACK, blank};
use crate::error::Result;

/// Antialiased bilinear, as Pillow's `BILINEAR`.
pub(super) const BILINEAR: ResizeAlg = ResizeAlg::Convolution(FilterType::Bilinear);

/// A side scaled by `factor` and cut to whole pixels, at least 1. The margin makes up for parameters that
/// are f32: 0.8 * 100 is 80, not 79.
fn scaled(side: u32, factor: f64) -> u32 {
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

pub(super) fn aspect_ratio(image: &RgbImage, ratio: f32) -> Result<RgbImage> {
    let area = f64::from(image.width()) * f64::from(image.height());
    let width = (area * f64::from(ratio)).sqrt();
    resample(image, scaled(1, width), scaled(1, area / width), BILINEAR)
}

pub(super) fn pad_square(image: &RgbImage) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let side = width.max(height);
    let mut square = blank(side, side, BLACK)?;
    imageops::replace(&mut square, image, i64::from((side - width) / 2), i64::from((side - height) / 2));
    Ok(square)
}

/// Resamples to `width` x `height`, both at least 1.
pub(super) fn resample(image: &RgbImage, width: u32, height: u32, algorithm: ResizeAlg) -> Result<RgbImage> {
    let mut resized = blank(width, height, BLACK)?;
    let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3)
        .expect("an RgbImage holds three bytes a pixel");
    let mut target = Image::from_slice_u8(width, height, &mut resized, PixelType::U8x3)
        .expect("an RgbImage holds three bytes a pixel");
    Resizer::new().resize(&source, &mut target, &ResizeOptions::new().resize_alg(algorithm))?;
    Ok(resized)
}
