//! Between 8-bit RGB buffers and tensors, and the rounding of a released image.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{Error, Result};

/// Interleaved 8-bit RGB as a tensor.
///
/// # Shapes
/// `height * width * 3` bytes -> `[1, 3, height, width]` in [0, 1]
///
/// # Errors
/// If the buffer has another length, or a side is empty.
pub fn from_rgb8(rgb: &[u8], width: usize, height: usize, device: &Device) -> Result<Tensor<4>> {
    let expected = width.checked_mul(height).and_then(|n| n.checked_mul(3));
    if expected != Some(rgb.len()) || rgb.is_empty() {
        return Err(Error::Buffer { found: rgb.len(), width, height });
    }
    let planes = (0..3).flat_map(|c| rgb.iter().skip(c).step_by(3));
    let values: Vec<f32> = planes.map(|&level| f32::from(level) / 255.0).collect();
    Ok(Tensor::from_data(TensorData::new(values, [1, 3, height, width]), device))
}

/// An image as interleaved 8-bit RGB, clamped to [0, 1] and rounded.
///
/// # Shapes
/// `[1, 3, h, w]` -> `h * w * 3` bytes
///
/// # Errors
/// If the image is not `[1, 3, h, w]`, or cannot be read from its device.
pub fn to_rgb8(pixels: &Tensor<4>) -> Result<Vec<u8>> {
    check_shape(pixels)?;
    let interleaved = round_to_8_bits(pixels.clone()).permute([0, 2, 3, 1]) * 255.0;
    let values = interleaved.try_into_data().map_err(|e| Error::Device(e.to_string()))?;
    let values: Vec<f32> = values.try_to_vec().map_err(|e| Error::Device(e.to_string()))?;
    Ok(values.into_iter().map(|v| v.round() as u8).collect())
}

/// The nearest image that 8 bits can hold: clamped to [0, 1] and rounded to multiples of 1/255.
pub fn round_to_8_bits(pixels: Tensor<4>) -> Tensor<4> {
    (pixels.clamp(0.0, 1.0) * 255.0).round() / 255.0
}

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
    fn wrong_lengths_are_errors() {
        assert!(from_rgb8(&[0; 11], 2, 2, &Device::flex()).is_err());
        assert!(from_rgb8(&[], 0, 0, &Device::flex()).is_err());
        assert!(from_rgb8(&[0; 3], usize::MAX, 2, &Device::flex()).is_err());
    }
}
