//! PNG, encoded by the `png` crate.

use std::borrow::Cow;

use image::DynamicImage;
use png::{BitDepth, ColorType, Encoder, Info, text_metadata::ITXtChunk};

use super::encoded::{Encoded, refused};
use crate::{Format, Metadata, Result};

/// Keyword of XMP in text chunks (XMP specification, part 3).
const XMP: &str = "XML:com.adobe.xmp";

pub(super) fn encode(image: &DynamicImage, metadata: &Metadata) -> Result<Encoded> {
    let mut info = Info::with_size(image.width(), image.height());
    let (colour, depth, samples) = stored(image);
    (info.color_type, info.bit_depth) = (colour, depth);
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    let xmp = metadata.xmp.as_ref().map(|xmp| String::from_utf8(xmp.clone()));
    let mut notes = Vec::new();
    match xmp {
        Some(Ok(text)) => info.utf8_text.push(ITXtChunk::new(XMP, text)),
        Some(Err(_)) => notes.push("the XMP data is omitted: it is not UTF-8 text".to_owned()),
        None => {}
    }
    let mut bytes = Vec::new();
    let written = write(&mut bytes, info, &samples);
    written.map_err(|error| refused(Format::Png, error))?;
    Ok(Encoded { bytes, notes })
}

fn write(bytes: &mut Vec<u8>, info: Info<'_>, samples: &[u8]) -> Result<(), png::EncodingError> {
    let mut writer = Encoder::with_info(bytes, info)?.write_header()?;
    writer.write_image_data(samples)?;
    writer.finish()
}

/// Samples as PNG stores them, 16-bit numbers big-endian.
fn stored(image: &DynamicImage) -> (ColorType, BitDepth, Cow<'_, [u8]>) {
    let big_endian = |samples: &[u16]| Cow::Owned(samples.iter().flat_map(|s| s.to_be_bytes()).collect());
    match image {
        DynamicImage::ImageRgb16(image) => (ColorType::Rgb, BitDepth::Sixteen, big_endian(image.as_raw())),
        DynamicImage::ImageRgba16(image) => (ColorType::Rgba, BitDepth::Sixteen, big_endian(image.as_raw())),
        DynamicImage::ImageRgba8(image) => {
            (ColorType::Rgba, BitDepth::Eight, Cow::Borrowed(image.as_raw().as_slice()))
        }
        DynamicImage::ImageRgb8(image) => {
            (ColorType::Rgb, BitDepth::Eight, Cow::Borrowed(image.as_raw().as_slice()))
        }
        other => (ColorType::Rgb, BitDepth::Eight, Cow::Owned(other.to_rgb8().into_raw())),
    }
}
