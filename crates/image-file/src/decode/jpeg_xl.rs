//! JPEG XL, by jxl-oxide.

use image::{DynamicImage, ImageDecoder, metadata::Orientation};
use jxl_oxide::{JxlImage, integration::JxlDecoder};

use super::{Stored, common::refused};
use crate::{Error, Format, Limits, Metadata, Result, colour::Decoded, limits::Deadline, timed::Timed};

const FORMAT: Format = Format::JpegXl;
/// Bytes that jxl-oxide holds for a pixel: planes of 32-bit numbers, and what filters copy of them.
const BYTES_PER_PIXEL: u64 = 32;

pub(super) fn decode(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Stored> {
    let refused = |error| refused(FORMAT, error);
    let mut decoder = JxlDecoder::new(Timed::new(bytes, deadline)).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    limits.check(width, height, BYTES_PER_PIXEL)?;
    // What is missing at the end would be rendered from what is there.
    let loaded = JxlImage::builder().read(Timed::new(bytes, deadline));
    if !loaded.is_ok_and(|image| image.is_loading_done()) {
        return Err(Error::CutShort(FORMAT));
    }
    let metadata = Metadata {
        icc: decoder.icc_profile().map_err(refused)?,
        exif: decoder.exif_metadata().map_err(refused)?,
        xmp: None,
    };
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    let image = match image {
        DynamicImage::ImageRgb32F(_) => DynamicImage::ImageRgb16(image.into_rgb16()),
        DynamicImage::ImageRgba32F(_) => DynamicImage::ImageRgba16(image.into_rgba16()),
        other => other,
    };
    // jxl-oxide turns the image upright by its own header; EXIF's orientation does not count in JPEG XL.
    Ok(Stored { pixels: Decoded::Image(image), orientation: Orientation::NoTransforms, metadata })
}
