//! Rotation and perspective: edits that sample the image between its pixels.

use image::{RgbImage, imageops};
use imageproc::geometric_transformations::Projection;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::iter::ParallelIterator;

use super::{
    canvas::{BLACK, blank},
    sampling::{Sampler, bicubic, bilinear},
};
use crate::error::Result;

/// Corners of an image, clockwise from the upper left, as shares of its sides.
pub(super) type Corners = [(f32, f32); 4];

const CORNERS: Corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];

/// Largest move of a corner in standard deviations; it keeps the image convex.
const FARTHEST: f32 = 2.5;

/// Rotates with bilinear sampling on an expanding canvas (Pillow's `rotate`). Quarter turns are exact.
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
    warp(image, (columns, rows), bilinear, |x, y| {
        let (x, y) = (x - f64::from(columns) / 2.0, y - f64::from(rows) / 2.0);
        (cos * x - sin * y + width / 2.0, sin * x + cos * y + height / 2.0)
    })
}

/// Returns the number of whole pixels that an interval of length `rotated` around the centre of a side touches.
fn extent(side: f64, rotated: f64) -> u32 {
    let (low, high) = ((side - rotated) / 2.0, (side + rotated) / 2.0);
    ((high.ceil() - low.floor()) as u32).max(1)
}

/// Moves every corner by a normal deviate of `sigma`, as a share of the sides (AugLy's `perspective_transform`).
pub(super) fn perspective(image: &RgbImage, sigma: f32, seed: u64) -> Result<RgbImage> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shift = || sigma * rng.sample::<f32, _>(StandardNormal).clamp(-FARTHEST, FARTHEST);
    project(image, CORNERS.map(|(x, y)| (x + shift(), y + shift())))
}

/// Projects the image to corners at `moved`, bicubic, black outside.
pub(super) fn project(image: &RgbImage, moved: Corners) -> Result<RgbImage> {
    let Some(back) = Projection::from_control_points(moved, CORNERS) else { return Ok(image.clone()) };
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    warp(image, image.dimensions(), bicubic, |x, y| {
        let (u, v) = back * ((x / width) as f32, (y / height) as f32);
        (f64::from(u) * width, f64::from(v) * height)
    })
}

/// Returns a picture of `width` x `height` whose point (x, y) shows `image` at `source(x, y)`.
fn warp(
    image: &RgbImage,
    (width, height): (u32, u32),
    sample: Sampler,
    source: impl Fn(f64, f64) -> (f64, f64) + Sync,
) -> Result<RgbImage> {
    let mut warped = blank(width, height, BLACK)?;
    warped.par_enumerate_pixels_mut().for_each(|(column, row, pixel)| {
        let (x, y) = source(f64::from(column) + 0.5, f64::from(row) + 0.5);
        *pixel = sample(image, x, y);
    });
    Ok(warped)
}
