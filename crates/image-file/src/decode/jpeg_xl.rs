//! JPEG XL, decoded by jxl-oxide.

use image::{DynamicImage, ImageDecoder, metadata::Orientation};
use jxl_oxide::{JxlImage, integration::JxlDecoder};

use super::{image_crate::refused, stored::Stored};
use crate::{
    Error, Format, Limits, Metadata, Result, colour::Decoded, deadline::Deadline, timed_reader::TimedReader,
};

const FORMAT: Format = Format::JpegXl;
/// Memory of jxl-oxide, in bytes per pixel: planes of 32-bit numbers, and copies of them in filters.
const BYTES_PER_PIXEL: u64 = 32;

/// Decodes a JPEG XL file.
pub(super) fn decode(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Stored> {
    let refused = |error| refused(FORMAT, error);
    let mut decoder = JxlDecoder::new(TimedReader::new(bytes, deadline)).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    limits.check(width, height, BYTES_PER_PIXEL)?;
    // Loading must be complete, because the decoder would render an incomplete file from the data it has.
    let loaded = JxlImage::builder().read(TimedReader::new(bytes, deadline));
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
    // jxl-oxide turns the image upright by its header; JPEG XL ignores the orientation of EXIF.
    Ok(Stored {
        pixels: Decoded::Image(image),
        orientation: Orientation::NoTransforms,
        metadata,
        notes: Vec::new(),
    })
}
