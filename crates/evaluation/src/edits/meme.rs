//! The meme format: a caption on a white banner above the image.

use image::{RgbImage, imageops};

use super::{
    canvas::{Area, BLACK, WHITE, blank},
    text,
};
use crate::error::Result;

/// Height of the banner over that of the image.
const BANNER: f32 = 0.3;

/// Share of the banner's sides that the caption may fill.
const CAPTION: f32 = 0.8;

pub(super) fn caption(image: &RgbImage) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let banner = ((height as f32 * BANNER).round() as u32).max(1);
    let mut meme = blank(width, height + banner, WHITE)?;
    imageops::replace(&mut meme, image, 0, i64::from(banner));
    text::draw(&mut meme, "LOL", middle(width as f32, banner as f32), BLACK);
    Ok(meme)
}

fn middle(width: f32, height: f32) -> Area {
    let margin = (1.0 - CAPTION) / 2.0;
    Area { x: margin * width, y: margin * height, width: CAPTION * width, height: CAPTION * height }
}
