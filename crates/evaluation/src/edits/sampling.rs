//! Colours between pixels, interpolated as by Pillow's `transform`.
//!
//! Pixel centres are at halves. The outside is black, without a transition: the outermost half pixel repeats the border.
//! Results are truncated.

use image::{Rgb, RgbImage};

use super::canvas::BLACK;

/// Function that returns the colour of an image at (x, y).
pub(super) type Sampler = fn(&RgbImage, f64, f64) -> Rgb<u8>;

fn inside(image: &RgbImage, x: f64, y: f64) -> bool {
    (0.0..f64::from(image.width())).contains(&x) && (0.0..f64::from(image.height())).contains(&y)
}

pub(super) fn bilinear(image: &RgbImage, x: f64, y: f64) -> Rgb<u8> {
    if !inside(image, x, y) {
        return BLACK;
    }
    let ((columns, dx), (rows, dy)) = (around(x, image.width(), [0, 1]), around(y, image.height(), [0, 1]));
    combine(image, columns, rows, |[a, b]| a + (b - a) * dx, |[a, b]| a + (b - a) * dy)
}

pub(super) fn bicubic(image: &RgbImage, x: f64, y: f64) -> Rgb<u8> {
    if !inside(image, x, y) {
        return BLACK;
    }
    const TAPS: [i64; 4] = [-1, 0, 1, 2];
    let ((columns, dx), (rows, dy)) = (around(x, image.width(), TAPS), around(y, image.height(), TAPS));
    combine(image, columns, rows, |values| cubic(values, dx), |values| cubic(values, dy))
}

/// Evaluates the cubic with a = -1 between the middle two of four values, at distance `d` from the first of these.
fn cubic([a, b, c, e]: [f64; 4], d: f64) -> f64 {
    b + d * (c - a + d * (2.0 * (a - b) + c - e + d * (b - a - c + e)))
}

/// Returns the pixels at offsets `taps` from the pixel before `place`, and the distance of `place` to that pixel.
fn around<const N: usize>(place: f64, side: u32, taps: [i64; N]) -> ([u32; N], f64) {
    let centred = place - 0.5;
    let before = centred.floor();
    let last = i64::from(side) - 1;
    (taps.map(|tap| (before as i64 + tap).clamp(0, last) as u32), centred - before)
}

fn combine<const N: usize>(
    image: &RgbImage,
    columns: [u32; N],
    rows: [u32; N],
    across: impl Fn([f64; N]) -> f64,
    down: impl Fn([f64; N]) -> f64,
) -> Rgb<u8> {
    let level = |c: usize, y: u32| across(columns.map(|x| f64::from(image.get_pixel(x, y).0[c])));
    Rgb(std::array::from_fn(|c| down(rows.map(|y| level(c, y))).clamp(0.0, 255.0) as u8))
}
