//! JND map on the CPU, in bands of rows and without intermediate images.

use burn::{
    backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{Shape, Tensor},
};
use burn_flex::FlexTensor;
use rayon::prelude::*;
use simd::Level;

use super::model::{BACKGROUND_SUM, FLOOR};
use crate::{
    luminance,
    planes::{tensor, values},
};

/// Rows of a thread's band. The thread keeps their luminance and that of [`REACH`] rows on either side.
const ROWS: usize = 16;
/// Distance from the middle of the largest window to its edge, in pixels.
const REACH: usize = 2;
/// Least argument of the fifth root: smaller squared gradients could be subnormal numbers.
const LEAST: f32 = 1e-30;

/// JND map of images on the CPU.
///
/// # Shapes
/// `[n, 3, h, w]` in [0, 1] -> `[n, 1, h, w]` in [0, 1]
pub(super) fn jnd_map(pixels: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::map_in_bands(pixels.into_dispatch()))
}

/// Backend operation of this module.
#[backend_extension(Flex)]
pub trait JndBackend: Backend {
    /// JND map of images, `[n, 3, h, w]` -> `[n, 1, h, w]`.
    fn map_in_bands(pixels: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl JndBackend for Flex {
    fn map_in_bands(pixels: FlexTensor) -> FlexTensor {
        let pixels = pixels.to_contiguous();
        let shape = pixels.shape();
        let [images, height, width] = [shape[0], shape[2], shape[3]];
        let mut map = vec![0.0; images * height * width];
        let planes = values(&pixels).chunks_exact(3 * height * width);
        let maps = map.chunks_exact_mut(height * width);
        maps.zip(planes).for_each(|(map, planes)| fill(planes, width, map));
        tensor(map, Shape::from([images, 1, height, width]))
    }
}

/// Fills the map `[h, w]` of the planes `[3, h, w]` in [0, 1].
fn fill(planes: &[f32], width: usize, map: &mut [f32]) {
    let stride = width + 2 * REACH;
    let height = map.len() / width;
    map.par_chunks_mut(ROWS * width).enumerate().for_each(|(band, map)| {
        // Zero outside the image.
        let mut luminance = vec![0.0; (ROWS + 2 * REACH) * stride];
        for (row, levels) in luminance.chunks_exact_mut(stride).enumerate() {
            let inside = (band * ROWS + row).checked_sub(REACH).filter(|&row| row < height);
            let levels = &mut levels[REACH..][..width];
            inside.iter().for_each(|row| luminance_of(planes, height * width, row * width, levels));
        }
        for (row, map) in map.chunks_exact_mut(width).enumerate() {
            fill_row(&luminance[row * stride..][..5 * stride], map);
        }
    });
}

/// Fills `levels` with the luminance, 0 to 255, of the row that starts at `start` in each plane.
fn luminance_of(planes: &[f32], plane: usize, start: usize, levels: &mut [f32]) {
    let [red, green, blue] = [0, 1, 2].map(|c| &planes[c * plane + start..][..levels.len()]);
    Level::detected().run(
        #[inline(always)]
        || {
            for (((level, red), green), blue) in levels.iter_mut().zip(red).zip(green).zip(blue) {
                *level = (red * luminance::WEIGHTS[0]
                    + green * luminance::WEIGHTS[1]
                    + blue * luminance::WEIGHTS[2])
                    * 255.0;
            }
        },
    );
}

/// Fills a row of the map from the five rows of luminance around it, each with [`REACH`] columns more on either side.
fn fill_row(luminance: &[f32], map: &mut [f32]) {
    let (width, stride) = (map.len(), map.len() + 2 * REACH);
    let shifted = |y: usize, x: usize| &luminance[y * stride + x..][..width];
    let rows: [[&[f32]; 5]; 5] = std::array::from_fn(|y| std::array::from_fn(|x| shifted(y, x)));
    Level::detected().run(
        #[inline(always)]
        || {
            for (i, map) in map.iter_mut().enumerate() {
                *map = at_pixel(&rows, i);
            }
        },
    );
}

/// Map at pixel `i` of a row, where `rows[y][x][i]` is the luminance around it.
#[inline(always)]
fn at_pixel(rows: &[[&[f32]; 5]; 5], i: usize) -> f32 {
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
    // The window's weights are 1, but 2 next to the middle and 0 in the middle.
    let background = (around + (a + b + c + d + e + f + g + h) - middle) / BACKGROUND_SUM;
    let across = (c - a) + (e - d) * 2.0 + (h - f);
    let along = (f - a) + (g - b) * 2.0 + (h - c);
    just_noticeable(background, across * across + along * along)
}

/// Map from the mean luminance of the background and the squared gradient.
#[inline(always)]
fn just_noticeable(background: f32, squared: f32) -> f32 {
    let dark = (1.0 - (background / 127.0 + 1e-3).sqrt()) * 17.0 + 3.0;
    let light = (background - 127.0) * (3.0 / 128.0) + 3.0;
    let by_luminance = if background <= 127.0 { dark } else { light };
    let by_contrast = squared * fifth_root(squared) * (0.117 * 16.0) / (squared + 26.0 * 26.0);
    let both = by_luminance.min(by_contrast) * 0.3;
    (by_luminance + by_contrast - both).max(FLOOR as f32) / 255.0
}

/// Fifth root within two units in the last place; arguments below [`LEAST`] are raised to it.
#[inline(always)]
fn fifth_root(x: f32) -> f32 {
    /// Bits added to a fifth of a number's bits: four fifths of the bits of 1, less a term that balances the error.
    const BIAS: u32 = 0x32c8_0000;
    let x = x.max(LEAST);
    let mut root = f32::from_bits(x.to_bits() / 5 + BIAS);
    // Halley's iteration cubes the relative error, initially 3.4 %.
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
