//! Pictures for tests: smooth noise of several sizes, different for each seed.

use image::{Rgb, RgbImage};

/// Draws a texture.
pub(crate) fn texture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let octave = |i: u32| noise(x as f32 / (3 << i) as f32, y as f32 / (3 << i) as f32, seed * 31 + i);
        let level: f32 = (0..5).map(|i| octave(i) * (i + 1) as f32).sum();
        Rgb([0.9, 1.0, 0.8].map(|c: f32| (c * (128.0 + 22.0 * level)).clamp(0.0, 255.0) as u8))
    })
}

/// Values in -1..1 at whole coordinates, smooth between them.
fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy) = (smooth(x.fract()), smooth(y.fract()));
    let at = |dx: u32, dy: u32| value(x as u32 + dx, y as u32 + dy, seed);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    mix(mix(at(0, 0), at(1, 0), fx), mix(at(0, 1), at(1, 1), fx), fy)
}

fn value(x: u32, y: u32, seed: u32) -> f32 {
    let mut hash = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b) ^ seed.wrapping_mul(0xc2b2_ae35);
    hash = (hash ^ hash >> 15).wrapping_mul(0x2c1b_3c6d);
    hash = (hash ^ hash >> 12).wrapping_mul(0x297a_2d39);
    (hash >> 8) as f32 / (1 << 23) as f32 - 1.0
}
