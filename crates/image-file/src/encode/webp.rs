//! Lossless WebP, encoded by image-webp.

use image::DynamicImage;
use image_webp::{ColorType, WebPEncoder};

use super::encoded::{Encoded, refused};
use crate::{Error, Format, Metadata, Result};

/// Longest side that all decoders support, in pixels; the format allows one pixel more, which image-webp reads as 0.
pub(super) const MAX_SIDE: u32 = (1 << 14) - 1;

pub(super) fn encode(image: &DynamicImage, metadata: &Metadata) -> Result<Encoded> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > MAX_SIDE {
        return Err(Error::TooLargeFor { width, height, format: Format::WebP });
    }
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    encoder.set_icc_profile(metadata.icc.clone().unwrap_or_default());
    encoder.set_exif_metadata(metadata.exif.clone().unwrap_or_default());
    encoder.set_xmp_metadata(metadata.xmp.clone().unwrap_or_default());
    let written = if image.color().has_alpha() {
        encoder.encode(&image.to_rgba8(), width, height, ColorType::Rgba8)
    } else {
        encoder.encode(&image.to_rgb8(), width, height, ColorType::Rgb8)
    };
    written.map_err(|error| refused(Format::WebP, error))?;
    Ok(Encoded { bytes, notes: Vec::new() })
}
