//! The first page of a TIFF file.
//!
//! The `tiff` crate reads the directory. Strips and tiles are decoded here, because the crate refuses or misplaces many
//! arrangements of samples: bits that are not whole bytes in tiles, planes, samples that are no colour.

mod chunk;
mod fax;
mod fill_order;
mod jpeg;
mod layout;
mod pixels;
mod samples;
mod texts;

use image::metadata::Orientation;
use tiff::{
    TiffError,
    decoder::{Decoder, Limits as DecoderLimits, ifd::Value},
    tags::Tag,
};

use super::stored::Stored;
use crate::{
    Error, Format, Limits, Metadata, Result, deadline::Deadline, metadata, timed_reader::TimedReader,
};
use layout::Layout;

const XMP: Tag = Tag::Unknown(700);
const DNG_VERSION: Tag = Tag::Unknown(50706);
/// Flag of `NewSubfileType` for a reduced version of another image.
const REDUCED: u32 = 1;
/// Largest entry, such as a colour profile, in bytes.
const MAX_VALUE: usize = 1 << 26;

type Reader<'a> = Decoder<TimedReader<'a>>;

/// Decodes a TIFF file.
pub(super) fn decode(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Stored> {
    texts::check(bytes)?;
    let usual = fill_order::usual(bytes, deadline);
    let bytes = usual.as_deref().unwrap_or(bytes);
    let mut decoder = Decoder::new(TimedReader::new(bytes, deadline)).map_err(refused)?;
    check_raw(&mut decoder)?;
    let mut decoder = decoder.with_limits(decoder_limits(limits));
    let layout = Layout::of(&mut decoder)?;
    layout.check(limits)?;
    let metadata = profile_and_xmp(&mut decoder);
    let orientation = orientation(&mut decoder, metadata.xmp.as_deref());
    let palette = decoder.find_tag_unsigned_vec(Tag::ColorMap).map_err(refused)?.unwrap_or_default();
    let samples = samples::read(bytes, &layout, deadline)?;
    let pixels = pixels::pixels(&layout, samples, &palette)?;
    Ok(Stored { pixels, orientation, metadata, notes: Vec::new() })
}

/// Refuses raw files of cameras, whose first image is a thumbnail.
fn check_raw(decoder: &mut Reader<'_>) -> Result<()> {
    let mut number = |tag| decoder.find_tag_unsigned::<u32>(tag).ok().flatten();
    let is_reduced = number(Tag::NewSubfileType).is_some_and(|kind| kind & REDUCED != 0);
    let mut has = |tag| decoder.find_tag(tag).ok().flatten().is_some();
    match (has(DNG_VERSION), is_reduced && has(Tag::SubIfd)) {
        (true, _) => Err(Error::UnsupportedFormat { name: "DNG", hint: "" }),
        (_, true) => Err(Error::UnsupportedFormat { name: "camera raw", hint: "" }),
        _ => Ok(()),
    }
}

fn decoder_limits(limits: &Limits) -> DecoderLimits {
    let mut decoder = DecoderLimits::default();
    let most = usize::try_from(limits.max_memory).unwrap_or(usize::MAX);
    decoder.decoding_buffer_size = most;
    decoder.intermediate_buffer_size = most;
    decoder.ifd_value_size = most.min(MAX_VALUE);
    decoder
}

/// Colour profile and XMP. EXIF is spread over the file's directories and not collected.
fn profile_and_xmp(decoder: &mut Reader<'_>) -> Metadata {
    let mut bytes = |tag| decoder.get_tag_u8_vec(tag).ok();
    Metadata { icc: bytes(Tag::IccProfile), xmp: bytes(XMP), exif: None }
}

/// Transform that turns the pixels upright: an entry of any integer type, or that of XMP if there is no entry.
fn orientation(decoder: &mut Reader<'_>, xmp: Option<&[u8]>) -> Orientation {
    match decoder.find_tag(Tag::Orientation) {
        Ok(None) => metadata::orientation(None, xmp),
        Ok(Some(value)) => {
            number(value).and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
        }
        Err(_) => Orientation::NoTransforms,
    }
}

/// The value of an entry of an integer type, if it fits.
fn number(value: Value) -> Option<u8> {
    match value.clone().into_u64().ok() {
        Some(number) => u8::try_from(number).ok(),
        None => u8::try_from(value.into_i64().ok()?).ok(),
    }
}

fn unsupported(feature: String) -> Error {
    Error::UnsupportedFeature { format: Format::Tiff, feature }
}

fn refused(error: TiffError) -> Error {
    match error {
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::CutShort(Format::Tiff)
        }
        TiffError::UnsupportedError(what) => unsupported(what.to_string()),
        other => Error::damaged(Format::Tiff)(other.to_string()),
    }
}
