//! Edits that look every pixel of the result up somewhere between the pixels of the image.

use image::{Rgb, RgbImage, imageops};
use imageproc::geometric_transformations::Projection;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::iter::ParallelIterator;

use super::canvas::{BLACK, blank};
use crate::error::Result;

/// Pillow's `rotate` with bilinear resampling and an expanding canvas. Quarter turns are exact.
pub(super) fn rotate(image: &RgbImage, degrees: f32) -> Result<RgbImage> {
    match degrees.rem_euclid(360.0) {
        0.0 => Ok(image.clone()),
        90.0 => Ok(imageops::rotate270(image)),
        180.0 => Ok(imageops::rotate180(image)),
        270.0 => Ok(imageops::rotate90(image)),
        degrees => rotate_between_axes(image, f64::from(degrees).to_radians()),
    }
}

fn rotate_between_axes(image: &RgbImage, angle: f64) -> Result<RgbImage> {
    let (sin, cos) = angle.sin_cos();
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let columns = extent(width, (width * cos).abs() + (height * sin).abs());
    let rows = extent(height, (width * sin).abs() + (height * cos).abs());
    warp(image, columns, rows, |x, y| {
        let (x, y) = (x - f64::from(columns) / 2.0, y - f64::from(rows) / 2.0);
        (cos * x - sin * y + width / 2.0, sin * x + cos * y + height / 2.0)
    })
}

/// Whole pixels touched by an interval of length `rotated` around the centre of a side.
fn extent(side: f64, rotated: f64) -> u32 {
    let (low, high) = ((side - rotated) / 2.0, (side + rotated) / 2.0);
    ((high.ceil() - low.floor()) as u32).max(1)
}

/// Each corner moves towards the opposite one by up to `strength` of either side; black outside.
pub(super) fn perspective(image: &RgbImage, strength: f32, seed: u64) -> Result<RgbImage> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shift = || strength * rng.random_range(0.0..=1.0);
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
    let moved = corners.map(|(u, v): (f32, f32)| ((u - shift()).abs(), (v - shift()).abs()));
    let Some(back) = Projection::from_control_points(moved, corners) else { return Ok(image.clone()) };
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    warp(image, image.width(), image.height(), |x, y| {
        let (u, v) = back * ((x / width) as f32, (y / height) as f32);
        (f64::from(u) * width, f64::from(v) * height)
    })
}

/// A picture of `width` x `height` whose point (x, y) shows `image` at `source(x, y)`.
fn warp(
    image: &RgbImage,
    width: u32,
    height: u32,
    source: impl Fn(f64, f64) -> (f64, f64) + Sync,
) -> Result<RgbImage> {
    let mut warped = blank(width, height, BLACK)?;
    warped.par_enumerate_pixels_mut().for_each(|(column, row, pixel)| {
        let (x, y) = source(f64::from(column) + 0.5, f64::from(row) + 0.5);
        *pixel = bilinear(image, x, y);
    });
    Ok(warped)
}

/// The colour at (x, y), where pixel centres are at halves; black outside the image. As in Pillow the
/// outermost half pixel repeats the border instead of fading to black.
fn bilinear(image: &RgbImage, x: f64, y: f64) -> Rgb<u8> {
    let (width, height) = image.dimensions();
    if !(0.0..f64::from(width)).contains(&x) || !(0.0..f64::from(height)).contains(&y) {
        return BLACK;
    }
    let ((left, right, dx), (top, bottom, dy)) = (between(x, width), between(y, height));
    let pixel = |x: u32, y: u32| image.get_pixel(x, y).0.map(f64::from);
    let corners = [pixel(left, top), pixel(right, top), pixel(left, bottom), pixel(right, bottom)];
    Rgb(std::array::from_fn(|c| {
        let upper = corners[0][c] + (corners[1][c] - corners[0][c]) * dx;
        let lower = corners[2][c] + (corners[3][c] - corners[2][c]) * dx;
        (upper + (lower - upper) * dy) as u8
    }))
}

/// The pixels before and after `place` on a side, and how far it is from the first to the second.
fn between(place: f64, side: u32) -> (u32, u32, f64) {
    let centred = place - 0.5;
    let before = centred.floor();
    let last = f64::from(side - 1);
    (before.max(0.0) as u32, (before + 1.0).min(last) as u32, centred - before)
}
