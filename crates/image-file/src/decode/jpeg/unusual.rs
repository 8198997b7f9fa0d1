//! Files that zune-jpeg gets wrong, decoded by jpeg-decoder: a scan for some of the components, and colour sampled more
//! finely than brightness.

use image::{DynamicImage, ImageBuffer};
use jpeg_decoder::{ColorTransform, Decoder, UnsupportedFeature};

use super::markers::{FrameHeader, damaged, refused};
use crate::{
    Error, Format, Metadata, Result, colour::Decoded, deadline::Deadline, decode::stored::Stored,
    metadata::orientation, timed_reader::TimedReader,
};

/// Decodes a file of 3 or 4 components.
pub(super) fn decode(bytes: &[u8], header: &FrameHeader, deadline: Deadline) -> Result<Stored> {
    if header.is_between() {
        return Err(refused("a scan for each of its components, of three or more samplings"));
    }
    let mut decoder = Decoder::new(TimedReader::new(bytes, deadline));
    decoder.set_color_transform(transform(header));
    let samples = decoder.decode().map_err(failed)?;
    let (exif, xmp) = (decoder.exif_data().map(<[u8]>::to_vec), decoder.xmp_data().map(<[u8]>::to_vec));
    Ok(Stored {
        pixels: pixels(header, samples)?,
        orientation: orientation(exif.as_deref(), xmp.as_deref()),
        metadata: Metadata { icc: decoder.icc_profile(), exif, xmp },
        notes: Vec::new(),
    })
}

/// Colours of the components, as libjpeg decides.
fn transform(header: &FrameHeader) -> ColorTransform {
    match (header.components(), header.adobe_transform, header.is_jfif) {
        (4, Some(2), _) => ColorTransform::YCCK,
        (4, ..) => ColorTransform::CMYK,
        (3, Some(0), false) => ColorTransform::RGB,
        (3, None, false) if header.ids == b"RGB" => ColorTransform::RGB,
        _ => ColorTransform::YCbCr,
    }
}

/// Pixels of samples that are RGB or amounts of ink.
fn pixels(header: &FrameHeader, samples: Vec<u8>) -> Result<Decoded> {
    let (width, height) = (header.width, header.height);
    if samples.len() as u64 != u64::from(width) * u64::from(height) * header.components() as u64 {
        return Err(damaged("the image is smaller than its header announces"));
    }
    if header.components() == 4 {
        return Ok(Decoded::Cmyk { width, height, inks: samples });
    }
    let image = ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8);
    image.map(Decoded::Image).ok_or_else(|| damaged("the image is smaller than its header announces"))
}

fn failed(error: jpeg_decoder::Error) -> Error {
    match error {
        jpeg_decoder::Error::Unsupported(UnsupportedFeature::NonIntegerSubsamplingRatio) => {
            refused("sampling factors that do not divide each other")
        }
        jpeg_decoder::Error::Unsupported(feature) => refused(&format!("{feature:?}")),
        jpeg_decoder::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::CutShort(Format::Jpeg)
        }
        other => damaged(&other.to_string().split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}
