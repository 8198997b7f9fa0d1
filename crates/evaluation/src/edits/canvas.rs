//! Empty pictures, and blending of colours into them.

use image::{Rgb, RgbImage};

use crate::error::{Error, Result};

/// Largest edited image in pixels: 2^28, or 768 MiB.
pub const MAX_PIXELS: u64 = 1 << 28;

pub(super) const BLACK: Rgb<u8> = Rgb([0; 3]);
pub(super) const WHITE: Rgb<u8> = Rgb([255; 3]);

/// Returns a picture of one colour.
pub(super) fn blank(width: u32, height: u32, colour: Rgb<u8>) -> Result<RgbImage> {
    check_size(width, height)?;
    Ok(RgbImage::from_pixel(width, height, colour))
}

/// Refuses pictures that may not fit in memory: a 1x100000 strip turned by 45 degrees would need 15 GB.
pub(super) fn check_size(width: u32, height: u32) -> Result<()> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::TooLarge { width, height, most: MAX_PIXELS });
    }
    Ok(())
}

/// Rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// Moves `pixel` towards `colour` by `weight` in [0, 1].
pub(super) fn blend(pixel: &mut Rgb<u8>, colour: Rgb<u8>, weight: f32) {
    for (old, new) in pixel.0.iter_mut().zip(colour.0) {
        *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * weight).round() as u8;
    }
}
