//! What a lossy file format leaves of an image.

use image::{ImageFormat, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::error::{Error, Result};

/// Baseline JPEG with the standard tables, chroma averaged over 2x2 pixels, as Pillow saves by default.
pub(super) fn jpeg(image: &RgbImage, quality: u8) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    let (Ok(columns), Ok(rows)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(Error::JpegSize { width, height });
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode(image.as_raw(), columns, rows, ColorType::Rgb)?;
    Ok(image::load_from_memory_with_format(&file, ImageFormat::Jpeg)?.into_rgb8())
}
