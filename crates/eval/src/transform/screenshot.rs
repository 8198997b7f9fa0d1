//! A phone's screen showing the image as a post.

use image::{Rgb, RgbImage, imageops};

use super::canvas::{Area, BLACK, WHITE, blank};
use super::text;
use crate::error::Result;

const GREY: Rgb<u8> = Rgb([205, 205, 210]);

/// The screen is twice as high as wide; the image keeps its size and gets the screen's full width, or the
/// middle 0.64 of its height where it is a tall one.
pub(super) fn post(image: &RgbImage) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let screen_width = width.max((height as f32 / (2.0 * 0.64)).ceil() as u32);
    let mut screen = blank(screen_width, screen_width.saturating_mul(2), WHITE)?;
    let (x, y) = ((screen.width() - width) / 2, (screen.height() - height) / 2);
    draw_frame(&mut screen);
    imageops::replace(&mut screen, image, i64::from(x), i64::from(y));
    Ok(screen)
}

/// Status bar and author above, likes and navigation below.
fn draw_frame(screen: &mut RgbImage) {
    let line = |screen: &mut RgbImage, words: &str, x, y, width, height| {
        text::draw(screen, words, on(screen, x, y, width, height), BLACK);
    };
    line(screen, "12:30", 0.04, 0.012, 0.16, 0.02);
    line(screen, "someone", 0.16, 0.07, 0.3, 0.03);
    line(screen, "1,024 likes", 0.04, 0.86, 0.34, 0.025);
    for (x, y, width, height) in [
        (0.86, 0.014, 0.1, 0.016),
        (0.04, 0.06, 0.1, 0.05),
        (0.0, 0.93, 1.0, 0.002),
        (0.35, 0.96, 0.3, 0.008),
    ] {
        on(screen, x, y, width, height).fill(screen, GREY);
    }
}

/// An area given in shares of the screen's sides.
fn on(screen: &RgbImage, x: f32, y: f32, width: f32, height: f32) -> Area {
    let (columns, rows) = (screen.width() as f32, screen.height() as f32);
    Area { x: x * columns, y: y * rows, width: width * columns, height: height * rows }
}
