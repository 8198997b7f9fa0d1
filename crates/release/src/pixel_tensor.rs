//! Conversion between the pixels of an image file and tensors.

use activate::pixels::{self, Depth};
use burn::tensor::{Device, Tensor};
use image::{ImageBuffer, RgbImage};
use image_file::Pixels;

use crate::error::Result;

/// Converts pixels to a tensor `[1, 3, h, w]` in [0, 1].
///
/// # Errors
/// If the image is empty.
pub fn to_tensor(pixels: &Pixels, device: &Device) -> Result<Tensor<4>> {
    let (width, height) = pixels.dimensions();
    let (width, height) = (width as usize, height as usize);
    Ok(match pixels {
        Pixels::Eight(image) => pixels::from_rgb8(image.as_raw(), width, height, device)?,
        Pixels::Sixteen(image) => pixels::from_rgb16(image.as_raw(), width, height, device)?,
    })
}

/// Converts a tensor `[1, 3, h, w]` in [0, 1], of an image's size, to pixels of a depth.
///
/// # Errors
/// If the device fails.
pub fn from_tensor(tensor: &Tensor<4>, depth: Depth) -> Result<Pixels> {
    let [_, _, height, width] = tensor.dims();
    let (width, height) = (width as u32, height as u32);
    let pixels = match depth {
        Depth::Eight => RgbImage::from_raw(width, height, pixels::to_rgb8(tensor)?).map(Pixels::Eight),
        Depth::Sixteen => {
            ImageBuffer::from_raw(width, height, pixels::to_rgb16(tensor)?).map(Pixels::Sixteen)
        }
    };
    Ok(pixels.expect("a tensor has a value for each channel of each pixel"))
}
