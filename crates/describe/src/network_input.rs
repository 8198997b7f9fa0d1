//! Images at the size of the network's input.

use burn::tensor::Tensor;
use device_math::transfer::upload;
use extractor::{DescriptorNetwork, Extractor};
use image_file::Pixels;

use crate::error::{Error, Result};

/// Largest input of the network in pixels: its first layer holds 64 bytes for each.
const MAX_PIXELS: usize = 1 << 23;

/// Returns an image as the network takes it, on the extractor's device.
///
/// # Shapes
/// `[h, w]` pixels -> `[1, 3, h', w']` in [0, 1], `h'` and `w'` from [`extractor::Preprocess::output`]
///
/// # Errors
/// [`Error::InputSize`] if the resized image has more than 2^23 pixels.
pub fn network_input(extractor: &Extractor, pixels: &Pixels) -> Result<Tensor<4>> {
    let (width, height) = pixels.dimensions();
    let [h, w] = extractor.preprocess().output(height as usize, width as usize);
    if h.saturating_mul(w) > MAX_PIXELS {
        return Err(Error::InputSize { width: w, height: h, most: MAX_PIXELS });
    }
    Ok(extractor.prepare(upload(pixels.resampled(w, h), [1, 3, h, w], &extractor.device())))
}
