//! Colour edits as torchvision defines them on uint8 tensors: float arithmetic, clamped, truncated.

use image::{Rgb, RgbImage};
use rayon::iter::ParallelIterator;

use super::canvas::{WHITE, blend};

fn map(image: &RgbImage, edit: impl Fn(Rgb<u8>) -> Rgb<u8> + Sync) -> RgbImage {
    let mut edited = image.clone();
    edited.par_pixels_mut().for_each(|pixel| *pixel = edit(*pixel));
    edited
}

/// Returns `factor * pixel + (1 - factor) * other`, clamped and truncated.
fn mix(pixel: Rgb<u8>, other: f32, factor: f32) -> Rgb<u8> {
    Rgb(pixel.0.map(|c| (factor * f32::from(c) + (1.0 - factor) * other).clamp(0.0, 255.0) as u8))
}

/// Returns the ITU-R 601 luma, truncated to a whole level.
fn luma(Rgb([r, g, b]): Rgb<u8>) -> u8 {
    (0.2989 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)) as u8
}

pub(super) fn brightness(image: &RgbImage, factor: f32) -> RgbImage {
    map(image, |pixel| mix(pixel, 0.0, factor))
}

pub(super) fn contrast(image: &RgbImage, factor: f32) -> RgbImage {
    let sum: u64 = image.pixels().map(|pixel| u64::from(luma(*pixel))).sum();
    let pixels = u64::from(image.width()) * u64::from(image.height());
    let mean = (sum as f64 / pixels as f64) as f32;
    map(image, |pixel| mix(pixel, mean, factor))
}

pub(super) fn saturation(image: &RgbImage, factor: f32) -> RgbImage {
    map(image, |pixel| mix(pixel, f32::from(luma(pixel)), factor))
}

pub(super) fn greyscale(image: &RgbImage) -> RgbImage {
    map(image, |pixel| Rgb([luma(pixel); 3]))
}

/// Blends the image with white through a mask of 8 bits (AugLy's `opacity`).
pub(super) fn opacity(image: &RgbImage, level: f32) -> RgbImage {
    let mask = (255.0 * level).floor() / 255.0;
    map(image, |mut pixel| {
        blend(&mut pixel, WHITE, 1.0 - mask);
        pixel
    })
}

/// Shifts the hue in HSV, all components in [0, 1]; levels are `floor(255.999 v)`.
pub(super) fn hue(image: &RgbImage, shift: f32) -> RgbImage {
    map(image, |pixel| {
        let [h, s, v] = hsv(pixel.0.map(|c| f32::from(c) / 255.0));
        Rgb(rgb([(h + shift).rem_euclid(1.0), s, v]).map(|c| (c * 255.999) as u8))
    })
}

fn hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    if chroma == 0.0 {
        return [0.0, 0.0, value];
    }
    let sixths = if value == r {
        (g - b) / chroma
    } else if value == g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    [(sixths / 6.0).rem_euclid(1.0), chroma / value, value]
}

fn rgb([h, s, v]: [f32; 3]) -> [f32; 3] {
    let sector = (h * 6.0).floor();
    let part = h * 6.0 - sector;
    let low = v * (1.0 - s);
    let falling = v * (1.0 - s * part);
    let rising = v * (1.0 - s * (1.0 - part));
    match sector as u8 % 6 {
        0 => [v, rising, low],
        1 => [falling, v, low],
        2 => [low, v, rising],
        3 => [low, falling, v],
        4 => [rising, low, v],
        _ => [v, low, falling],
    }
}
