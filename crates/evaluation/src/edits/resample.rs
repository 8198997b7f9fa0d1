//! Resampling as Pillow does it.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U16x3,
};
use image::{Rgb, RgbImage};

use super::canvas::{BLACK, blank, check_size};
use crate::error::Result;

/// Pillow's `BILINEAR`.
pub(super) const BILINEAR: FilterType = FilterType::Bilinear;

/// Pillow's `BICUBIC`, a = -0.5: the default filter, which AugLy uses.
pub(super) const BICUBIC: FilterType = FilterType::CatmullRom;

/// Pillow's `LANCZOS`.
pub(super) const LANCZOS: FilterType = FilterType::Lanczos3;

/// Factor from levels of 8 bits to levels of 16.
const SPREAD: u16 = 257;

/// Resamples with antialiasing to `width` x `height`, both at least 1, one axis at a time and rounded to whole levels in
/// between. It computes on 16 bits: on 8 bits the weights of `fast_image_resize` are too coarse to agree with Pillow's
/// where cubic filters overshoot.
pub(super) fn resample(image: &RgbImage, width: u32, height: u32, filter: FilterType) -> Result<RgbImage> {
    check_size(width, height)?;
    // The order of Pillow 13, which keeps the intermediate picture small; earlier versions began with the rows.
    let lower_first = width > image.width() && height < image.height();
    let between = if lower_first { (image.width(), height) } else { (width, image.height()) };
    let halfway = along_one_axis(image, between, filter)?;
    along_one_axis(&halfway, (width, height), filter)
}

fn along_one_axis(image: &RgbImage, (width, height): (u32, u32), filter: FilterType) -> Result<RgbImage> {
    if image.dimensions() == (width, height) {
        return Ok(image.clone());
    }
    let spread = |pixel: &Rgb<u8>| U16x3::new(pixel.0.map(|level| SPREAD * u16::from(level)));
    let pixels: Vec<U16x3> = image.pixels().map(spread).collect();
    let source = TypedImageRef::new(image.width(), image.height(), &pixels).expect("one value per pixel");
    let mut target = TypedImage::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new().resize_typed(&source, &mut target, &options)?;
    let mut resized = blank(width, height, BLACK)?;
    for (pixel, wide) in resized.pixels_mut().zip(target.pixels()) {
        *pixel =
            Rgb(wide.0.map(|level| ((u32::from(level) + u32::from(SPREAD) / 2) / u32::from(SPREAD)) as u8));
    }
    Ok(resized)
}
