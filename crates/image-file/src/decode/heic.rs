//! The primary image of a HEIC file, decoded by heic-rs.

use heic_rs::{DecodeOptions, Image, ImageInfo, PixelLayout, context::Context};
use image::{DynamicImage, ImageBuffer, metadata::Orientation};

use super::stored::Stored;
use crate::{Error, Format, Limits, Metadata, Result, colour::Decoded};

/// Memory of decoding, in bytes per pixel: planes of 16 bits, the pixels, and the RGB pixels.
const BYTES_PER_PIXEL: u64 = 24;

/// Decodes a HEIC file.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored> {
    let about = heic_rs::probe(bytes).map_err(refused)?;
    limits.check(about.width, about.height, BYTES_PER_PIXEL)?;
    limits.check(about.coded_width, about.coded_height, BYTES_PER_PIXEL)?;
    let layout = match (about.bit_depth > 8, about.has_alpha) {
        (false, false) => PixelLayout::Rgb8,
        (false, true) => PixelLayout::Rgba8,
        (true, false) => PixelLayout::Rgb16,
        (true, true) => PixelLayout::Rgba16,
    };
    // One thread per image: callers decode several images at once.
    let options =
        DecodeOptions { layout, max_pixels: Some(limits.max_pixels), threads: Some(1), ..Default::default() };
    let image = heic_rs::decode(bytes, &options).map_err(refused)?;
    let metadata = metadata(bytes, &about).map_err(refused)?;
    let pixels = pixels(image).ok_or_else(|| damaged("fewer samples than pixels".to_owned()))?;
    // The rotation of the container is already applied; HEIC ignores that of EXIF.
    Ok(Stored {
        pixels: Decoded::Image(pixels),
        orientation: Orientation::NoTransforms,
        metadata,
        notes: Vec::new(),
    })
}

fn metadata(bytes: &[u8], about: &ImageInfo) -> Result<Metadata, heic_rs::Error> {
    let context = Context::open(bytes)?;
    let properties = context.props(about.primary_item)?;
    let xmp = context.xmp_item(about.primary_item).map(|item| context.item_data(item)).transpose()?;
    Ok(Metadata {
        icc: context.icc(&properties).map(<[u8]>::to_vec),
        exif: context.exif(about.primary_item)?.map(<[u8]>::to_vec),
        xmp: xmp.map(|text| text.into_owned()),
    })
}

fn pixels(image: Image) -> Option<DynamicImage> {
    let Image { data, width, height, layout } = image;
    let wide = |data: &[u8]| data.as_chunks().0.iter().map(|&sample| u16::from_ne_bytes(sample)).collect();
    Some(match layout {
        PixelLayout::Rgb16 => DynamicImage::ImageRgb16(ImageBuffer::from_raw(width, height, wide(&data))?),
        PixelLayout::Rgba16 => DynamicImage::ImageRgba16(ImageBuffer::from_raw(width, height, wide(&data))?),
        PixelLayout::Rgba8 => DynamicImage::ImageRgba8(ImageBuffer::from_raw(width, height, data)?),
        _ => DynamicImage::ImageRgb8(ImageBuffer::from_raw(width, height, data)?),
    })
}

fn refused(error: heic_rs::Error) -> Error {
    match error {
        heic_rs::Error::Truncated(_) => Error::CutShort(Format::Heic),
        heic_rs::Error::Unsupported(what) => {
            Error::UnsupportedFeature { format: Format::Heic, feature: what.to_owned() }
        }
        other => damaged(other.to_string()),
    }
}

fn damaged(reason: String) -> Error {
    Error::Damaged { format: Format::Heic, reason }
}
