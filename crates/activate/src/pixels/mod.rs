//! Conversion between buffers of 8 or 16-bit RGB and tensors, and the rounding of a released image.

mod rounding;

use burn::tensor::{Device, Tensor};
use device_math::transfer::{download, upload};
use rayon::prelude::*;
use simd::Level;

use self::rounding::nearest_level;
pub use self::rounding::{Depth, round_to};
use crate::{Error, Result, planes::CHUNK};

/// Tensor of interleaved 8-bit RGB.
///
/// # Shapes
/// `height * width * 3` bytes -> `[1, 3, height, width]` in [0, 1]
///
/// # Errors
/// If the buffer has another length, or a side is empty.
pub fn from_rgb8(rgb: &[u8], width: usize, height: usize, device: &Device) -> Result<Tensor<4>> {
    from_levels(rgb, Depth::Eight, width, height, device)
}

/// Tensor of interleaved 16-bit RGB.
///
/// # Shapes
/// `height * width * 3` numbers -> `[1, 3, height, width]` in [0, 1]
///
/// # Errors
/// If the buffer has another length, or a side is empty.
pub fn from_rgb16(rgb: &[u16], width: usize, height: usize, device: &Device) -> Result<Tensor<4>> {
    from_levels(rgb, Depth::Sixteen, width, height, device)
}

fn from_levels<T: Copy + Into<f32> + Sync>(
    rgb: &[T],
    depth: Depth,
    width: usize,
    height: usize,
    device: &Device,
) -> Result<Tensor<4>> {
    let expected = width.checked_mul(height).and_then(|n| n.checked_mul(3));
    let Some(expected) = expected.filter(|&len| len == rgb.len() && len > 0) else {
        return Err(Error::Buffer { found: rgb.len(), width, height });
    };
    let mut values = vec![0.0; expected];
    for (c, plane) in values.chunks_exact_mut(width * height).enumerate() {
        let runs = plane.par_chunks_mut(CHUNK).zip(rgb.par_chunks(3 * CHUNK));
        runs.for_each(|(values, rgb)| {
            for (value, pixel) in values.iter_mut().zip(rgb.as_chunks::<3>().0) {
                *value = pixel[c].into() / depth.top();
            }
        });
    }
    Ok(upload(values, [1, 3, height, width], device))
}

/// Interleaved 8-bit RGB of an image, clamped to [0, 1] and rounded.
///
/// # Shapes
/// `[1, 3, h, w]` -> `h * w * 3` bytes
///
/// # Errors
/// If the image is not `[1, 3, h, w]`, or cannot be read from its device.
pub fn to_rgb8(pixels: &Tensor<4>) -> Result<Vec<u8>> {
    to_levels(pixels, Depth::Eight, |level| level as u8)
}

/// Interleaved 16-bit RGB of an image, clamped to [0, 1] and rounded.
///
/// # Shapes
/// `[1, 3, h, w]` -> `h * w * 3` numbers
///
/// # Errors
/// If the image is not `[1, 3, h, w]`, or cannot be read from its device.
pub fn to_rgb16(pixels: &Tensor<4>) -> Result<Vec<u16>> {
    to_levels(pixels, Depth::Sixteen, |level| level as u16)
}

fn to_levels<T: Copy + Default + Send>(
    pixels: &Tensor<4>,
    depth: Depth,
    cast: impl Fn(f32) -> T + Sync,
) -> Result<Vec<T>> {
    check_shape(pixels)?;
    let values = download(pixels.clone())?;
    let plane = values.len() / 3;
    let mut levels = vec![T::default(); values.len()];
    let [red, green, blue] = [0, 1, 2].map(|c| values[c * plane..][..plane].par_chunks(CHUNK));
    let runs = levels.par_chunks_mut(3 * CHUNK).zip(red.zip(green).zip(blue));
    runs.for_each(|(levels, ((red, green), blue))| {
        Level::detected().run(
            #[inline(always)]
            || {
                let pixels = levels.as_chunks_mut::<3>().0.iter_mut();
                for (((pixel, red), green), blue) in pixels.zip(red).zip(green).zip(blue) {
                    let [red, green, blue] = [
                        nearest_level(*red, depth),
                        nearest_level(*green, depth),
                        nearest_level(*blue, depth),
                    ];
                    *pixel = [cast(red), cast(green), cast(blue)];
                }
            },
        );
    });
    Ok(levels)
}

/// Checks that an image is `[1, 3, h, w]` with non-empty sides.
pub(crate) fn check_shape(pixels: &Tensor<4>) -> Result<()> {
    match pixels.dims() {
        [1, 3, h, w] if h > 0 && w > 0 => Ok(()),
        other => Err(Error::ImageShape(other.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_round_trip() {
        let rgb: Vec<u8> = (0..2 * 128 * 3).map(|i| (i % 256) as u8).collect();
        let pixels = from_rgb8(&rgb, 2, 128, &Device::flex()).unwrap();
        assert_eq!(pixels.dims(), [1, 3, 128, 2]);
        assert_eq!(to_rgb8(&pixels).unwrap(), rgb);
    }

    #[test]
    fn values_outside_the_range_are_clamped() {
        let pixels = Tensor::<4>::from_floats([[[[-3.0]], [[0.5]], [[7.0]]]], &Device::flex());
        assert_eq!(to_rgb8(&pixels).unwrap(), [0, 128, 255]);
    }

    #[test]
    fn sixteen_bits_survive_the_round_trip() {
        let rgb: Vec<u16> = (0..256 * 256 * 3_usize).map(|i| (i / 3) as u16).collect();
        let pixels = from_rgb16(&rgb, 256, 256, &Device::flex()).unwrap();
        assert_eq!(to_rgb16(&pixels).unwrap(), rgb);
        assert_eq!(to_rgb16(&round_to(pixels.clone(), Depth::Sixteen)).unwrap(), rgb);
        let coarse = to_rgb16(&round_to(pixels, Depth::Eight)).unwrap();
        assert!(coarse.iter().all(|level| level % 257 == 0));
    }

    #[test]
    fn wrong_lengths_are_errors() {
        assert!(from_rgb8(&[0; 11], 2, 2, &Device::flex()).is_err());
        assert!(from_rgb8(&[], 0, 0, &Device::flex()).is_err());
        assert!(from_rgb8(&[0; 3], usize::MAX, 2, &Device::flex()).is_err());
    }
}
