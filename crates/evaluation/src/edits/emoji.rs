//! An emoji over the image, as by AugLy's `overlay_emoji`.

use std::sync::LazyLock;

use image::{Rgb, RgbImage, RgbaImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::resample::{BICUBIC, resample};
use crate::error::Result;

/// Sheet of emoji from Twemoji, CC-BY 4.0 (`assets/emoji.LICENSE.txt`), made by `assets/make_assets.py`.
static SHEET: LazyLock<RgbaImage> = LazyLock::new(|| {
    image::load_from_memory(include_bytes!("../../assets/emoji.png"))
        .expect("the bundled emoji are a PNG")
        .into_rgba8()
});

/// Side of one emoji on the sheet, in pixels.
const SIDE: u32 = 128;

/// Choice, size and place of an emoji.
pub(super) struct Place {
    /// Number of the emoji on the sheet, row by row.
    pub number: u32,
    /// Side in pixels.
    pub side: u32,
    /// Left and upper edge in pixels.
    pub corner: (u32, u32),
}

/// Draws a random emoji. Its size is a share of the shorter side, not of the height as in AugLy: it then is in proportion
/// on every image, and never larger than the image.
pub(super) fn overlay(image: &RgbImage, seed: u64) -> Result<RgbImage> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (width, height) = image.dimensions();
    let number = rng.random_range(0..SHEET.width() / SIDE * (SHEET.height() / SIDE));
    let side = ((width.min(height) as f32 * rng.random_range(0.15..0.5)) as u32).max(1);
    let mut within = |length: u32| ((length - side) as f32 * rng.random_range(0.0..1.0)) as u32;
    let corner = (within(width), within(height));
    paste(image, &Place { number, side, corner })
}

pub(super) fn paste(image: &RgbImage, place: &Place) -> Result<RgbImage> {
    let [ink, cover] = art(place.number);
    let ink = resample(&ink, place.side, place.side, BICUBIC)?;
    let cover = resample(&cover, place.side, place.side, BICUBIC)?;
    let mut edited = image.clone();
    for ((x, y, ink), cover) in ink.enumerate_pixels().zip(cover.pixels()) {
        if let Some(under) = edited.get_pixel_mut_checked(place.corner.0 + x, place.corner.1 + y) {
            lay_over(under, *ink, u16::from(cover.0[0]));
        }
    }
    Ok(edited)
}

/// Returns colours times coverage, and coverage as a grey picture: resampling both keeps edges clean.
fn art(number: u32) -> [RgbImage; 2] {
    let columns = SHEET.width() / SIDE;
    let corner = (number % columns * SIDE, number / columns * SIDE);
    let pixel = |x, y| SHEET[(corner.0 + x, corner.1 + y)].0.map(u16::from);
    let ink = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let [r, g, b, cover] = pixel(x, y);
        Rgb([r, g, b].map(|level| share(level, cover)))
    });
    let cover = RgbImage::from_fn(SIDE, SIDE, |x, y| Rgb([pixel(x, y)[3] as u8; 3]));
    [ink, cover]
}

/// Returns `level` times `cover` over 255, rounded.
fn share(level: u16, cover: u16) -> u8 {
    ((u32::from(level) * u32::from(cover) + 127) / 255) as u8
}

fn lay_over(under: &mut Rgb<u8>, ink: Rgb<u8>, cover: u16) {
    for (level, ink) in under.0.iter_mut().zip(ink.0) {
        *level = share(u16::from(*level), 255 - cover).saturating_add(ink);
    }
}
