//! Baseline JPEG, encoded by jpeg-encoder.

use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use super::encoded::{Encoded, refused};
use crate::{Error, Format, Metadata, Result};

/// Name of the segment that contains XMP (XMP specification, part 3).
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

pub(super) fn encode(
    image: &DynamicImage,
    metadata: &Metadata,
    quality: u8,
    full_chroma: bool,
) -> Result<Encoded> {
    let image = image.to_rgb8();
    let (width, height) = image.dimensions();
    let (Ok(columns), Ok(rows)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(Error::TooLargeFor { width, height, format: Format::Jpeg });
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    encoder.set_sampling_factor(if full_chroma { SamplingFactor::F_1_1 } else { SamplingFactor::F_2_2 });
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let notes = describe(&mut encoder, metadata);
    write(encoder, &image, columns, rows).map_err(|error| refused(Format::Jpeg, error))?;
    Ok(Encoded { bytes, notes })
}

/// Adds the metadata that fits, and returns a note for the rest: a segment holds 65,533 bytes, and only profiles may be
/// split.
fn describe(encoder: &mut Encoder<&mut Vec<u8>>, metadata: &Metadata) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |what: &str, added: Result<(), EncodingError>| {
        notes.extend(added.err().map(|error| format!("the {what} is omitted: {error}")));
    };
    if let Some(icc) = &metadata.icc {
        note("colour profile", encoder.add_icc_profile(icc));
    }
    if let Some(exif) = &metadata.exif {
        note("EXIF data", encoder.add_exif_metadata(exif));
    }
    if let Some(xmp) = &metadata.xmp {
        note("XMP data", encoder.add_app_segment(1, [XMP, xmp].concat()));
    }
    notes
}

fn write(
    encoder: Encoder<&mut Vec<u8>>,
    image: &RgbImage,
    columns: u16,
    rows: u16,
) -> Result<(), EncodingError> {
    encoder.encode(image.as_raw(), columns, rows, ColorType::Rgb)
}
