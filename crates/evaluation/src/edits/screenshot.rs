//! The image as a post on a phone's screen, in the manner of AugLy's `overlay_onto_screenshot`.

use std::sync::LazyLock;

use image::{RgbImage, imageops};

use super::resample::{BILINEAR, LANCZOS, resample};
use crate::error::Result;

/// Screen drawn for this project, `assets/screenshot.svg`.
static SCREEN: LazyLock<RgbImage> = LazyLock::new(|| {
    image::load_from_memory(include_bytes!("../../assets/screenshot.png"))
        .expect("the bundled screen is a PNG")
        .into_rgb8()
});

/// Left, top, width and height of the post in pixels.
const PLACE: (u32, u32, u32, u32) = (24, 516, 780, 600);

/// Shows the image as large as fits the post, on black.
pub(super) fn post(image: &RgbImage) -> Result<RgbImage> {
    let (left, top, width, height) = PLACE;
    let (columns, rows) = (f64::from(image.width()), f64::from(image.height()));
    let factor = (f64::from(width) / columns).min(f64::from(height) / rows);
    let side = |length: f64, limit: u32| ((length * factor) as u32).clamp(1, limit);
    let filter = if factor < 1.0 { LANCZOS } else { BILINEAR };
    let shown = resample(image, side(columns, width), side(rows, height), filter)?;
    let mut screen = SCREEN.clone();
    let (x, y) = (left + (width - shown.width()) / 2, top + (height - shown.height()) / 2);
    imageops::replace(&mut screen, &shown, i64::from(x), i64::from(y));
    Ok(screen)
}
