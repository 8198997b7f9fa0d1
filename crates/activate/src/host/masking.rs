//! The JND map, in bands of rows: see [`crate::jnd_map`] for what it is.

use rayon::prelude::*;

use super::vectors::widest;
use crate::jnd::{BACKGROUND_SUM, FLOOR, LUMINANCE};

/// Rows that a thread takes at once; it keeps their luminance and that of [`REACH`] more on either side.
const ROWS: usize = 16;
/// How far the largest window reaches from its middle, in pixels.
const REACH: usize = 2;
/// Taken for smaller squared gradients, which would not be normal numbers.
const LEAST: f32 = 1e-30;

/// The map `[h, w]` of planes `[3, h, w]` in [0, 1].
pub(super) fn mask(planes: &[f32], width: usize, map: &mut [f32]) {
    let stride = width + 2 * REACH;
    let height = map.len() / width;
    map.par_chunks_mut(ROWS * width).enumerate().for_each(|(band, map)| {
        // Zeros where the image has no pixels.
        let mut luminance = vec![0.0; (ROWS + 2 * REACH) * stride];
        for (row, levels) in luminance.chunks_exact_mut(stride).enumerate() {
            let inside = (band * ROWS + row).checked_sub(REACH).filter(|&row| row < height);
            let levels = &mut levels[REACH..][..width];
            inside.iter().for_each(|row| luminance_of(planes, height * width, row * width, levels));
        }
        for (row, map) in map.chunks_exact_mut(width).enumerate() {
            mask_row(&luminance[row * stride..][..5 * stride], map);
        }
    });
}

/// The luminance of a row that starts at `start` of each plane, 0 to 255.
fn luminance_of(planes: &[f32], plane: usize, start: usize, levels: &mut [f32]) {
    let [red, green, blue] = [0, 1, 2].map(|c| &planes[c * plane + start..][..levels.len()]);
    widest(
        #[inline(always)]
        || {
            for (((level, red), green), blue) in levels.iter_mut().zip(red).zip(green).zip(blue) {
                *level = (red * LUMINANCE[0] + green * LUMINANCE[1] + blue * LUMINANCE[2]) * 255.0;
            }
        },
    );
}

/// A row of the map from the five rows of luminance around it, each with [`REACH`] more on either side.
fn mask_row(luminance: &[f32], map: &mut [f32]) {
    let (width, stride) = (map.len(), map.len() + 2 * REACH);
    let shifted = |y: usize, x: usize| &luminance[y * stride + x..][..width];
    let rows: [[&[f32]; 5]; 5] = std::array::from_fn(|y| std::array::from_fn(|x| shifted(y, x)));
    widest(
        #[inline(always)]
        || {
            for (i, map) in map.iter_mut().enumerate() {
                *map = masked(&rows, i);
            }
        },
    );
}

/// The map at one pixel of a row: `rows[y][x][i]` is the luminance around it.
#[inline(always)]
fn masked(rows: &[[&[f32]; 5]; 5], i: usize) -> f32 {
    let mut near = [[0.0; 5]; 5];
    for y in 0..5 {
        for x in 0..5 {
            near[y][x] = rows[y][x][i];
        }
    }
    let [_, [_, a, b, c, _], [_, d, middle, e, _], [_, f, g, h, _], _] = near;
    let mut around = 0.0;
    for [a, b, c, d, e] in near {
        around += a + b + c + d + e;
    }
    // The window is 1 everywhere, 1 more within a pixel of the middle, and 0 there.
    let background = (around + (a + b + c + d + e + f + g + h) - middle) / BACKGROUND_SUM;
    let across = (c - a) + (e - d) * 2.0 + (h - f);
    let along = (f - a) + (g - b) * 2.0 + (h - c);
    noticeable(background, across * across + along * along)
}

/// The map of a mean luminance and a squared gradient.
#[inline(always)]
fn noticeable(background: f32, squared: f32) -> f32 {
    let dark = (1.0 - (background / 127.0 + 1e-3).sqrt()) * 17.0 + 3.0;
    let light = (background - 127.0) * (3.0 / 128.0) + 3.0;
    let by_luminance = if background <= 127.0 { dark } else { light };
    let by_contrast = squared * fifth_root(squared) * (0.117 * 16.0) / (squared + 26.0 * 26.0);
    let both = by_luminance.min(by_contrast) * 0.3;
    (by_luminance + by_contrast - both).max(FLOOR as f32) / 255.0
}

/// The fifth root of a number of at least [`LEAST`], within two units in the last place.
#[inline(always)]
fn fifth_root(x: f32) -> f32 {
    /// A fifth of a number's exponent, as bits: four fifths of the bits of 1, less what evens out the error.
    const BIAS: u32 = 0x32c8_0000;
    let x = x.max(LEAST);
    let mut root = f32::from_bits(x.to_bits() / 5 + BIAS);
    // Halley's iteration cubes the relative error, 3.4 % at first.
    for _ in 0..2 {
        let fourth = (root * root) * (root * root);
        let fifth = fourth * root;
        root *= (fifth * 2.0 + x * 3.0) / (fifth * 3.0 + x * 2.0);
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_root_is_that_of_double_precision() {
        for i in -380..=80 {
            let x = 10f64.powf(f64::from(i) / 13.0).max(1e-29) as f32;
            let (found, expected) = (f64::from(fifth_root(x)), f64::from(x).powf(0.2));
            assert!((found - expected).abs() < 2e-7 * expected, "{x}: {found} for {expected}");
        }
        assert_eq!(0.0 * fifth_root(0.0), 0.0);
    }
}
