//! PNG, WebP, GIF, BMP and QOI, decoded by the `image` crate.

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageResult, LimitSupport, Limits as DecoderLimits,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, qoi::QoiDecoder, webp::WebPDecoder},
    error::ImageFormatHint,
};

use super::{bmp_header, gif_screen, png_chunks, stored::Stored, webp_chunks};
use crate::{
    Error, Format, Limits, Metadata, Result,
    colour::Decoded,
    deadline::Deadline,
    metadata::{orientation, readable_exif},
    timed_reader::TimedReader,
};

/// Decodes a file of one of these formats.
pub(super) fn decode(format: Format, bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Stored> {
    if !is_whole(format, bytes) {
        return Err(Error::CutShort(format));
    }
    let corrected = match format {
        Format::WebP => webp_chunks::without_stale_flags(bytes),
        Format::Gif => gif_screen::enlarged(bytes),
        Format::Png => png_chunks::with_metadata_first(bytes),
        Format::Bmp => bmp_header::of_windows(bytes),
        _ => None,
    };
    let bytes = corrected.as_deref().unwrap_or(bytes);
    let refused = |error| refused(format, error);
    let reader = TimedReader::new(bytes, deadline);
    match format {
        Format::Png => {
            let limits_of_decoder = decoder_limits(limits);
            let decoder = PngDecoder::with_limits(reader, limits_of_decoder).map_err(refused)?;
            read(format, decoder, limits, || png_chunks::exif_in_text(bytes, limits))
        }
        Format::WebP => read(format, WebPDecoder::new(reader).map_err(refused)?, limits, || None),
        Format::Gif => read(format, GifDecoder::new(reader).map_err(refused)?, limits, || None),
        Format::Bmp => read(format, BmpDecoder::new(reader).map_err(refused)?, limits, || None),
        _ => {
            qoi_size(bytes, limits)?;
            read(format, QoiDecoder::new(reader).map_err(refused)?, limits, || None)
        }
    }
}

/// Checks the size of a QOI file, because the decoder's error does not name it.
fn qoi_size(bytes: &[u8], limits: &Limits) -> Result<()> {
    let side =
        |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|side| u32::from_be_bytes(*side));
    let (width, height) = side(4).zip(side(8)).ok_or(Error::CutShort(Format::Qoi))?;
    limits.check(width, height, 1)
}

fn decoder_limits(limits: &Limits) -> DecoderLimits {
    let mut decoder = DecoderLimits::default();
    decoder.max_alloc = Some(limits.max_memory);
    decoder
}

/// Reads the pixels and their metadata, with `other_exif` in place of EXIF that the decoder does not find.
fn read(
    format: Format,
    mut decoder: impl ImageDecoder,
    limits: &Limits,
    other_exif: impl FnOnce() -> Option<Vec<u8>>,
) -> Result<Stored> {
    let (width, height) = decoder.dimensions();
    // The decoder's buffer, a possible copy of it, and the RGB pixels.
    limits.check(width, height, 3 * u64::from(decoder.color_type().bytes_per_pixel()))?;
    let refused = |error| refused(format, error);
    let (mut metadata, notes) = metadata(format, &mut decoder);
    metadata.exif = metadata.exif.or_else(other_exif);
    let exif = metadata.exif.clone().and_then(readable_exif);
    let orientation = orientation(exif.as_deref(), metadata.xmp.as_deref());
    let mut limits_of_decoder = decoder_limits(limits);
    limits_of_decoder.check_support(&LimitSupport::default()).map_err(refused)?;
    limits_of_decoder
        .reserve(decoder.total_bytes())
        .map_err(|_| Error::TooMuchMemory { limit: limits.max_memory })?;
    decoder.set_limits(limits_of_decoder).map_err(refused)?;
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok(Stored { pixels: Decoded::Image(image), orientation, metadata, notes })
}

/// Metadata, and a note for each part that cannot be read: the pixels are whole without it.
fn metadata(format: Format, decoder: &mut impl ImageDecoder) -> (Metadata, Vec<String>) {
    let mut notes = Vec::new();
    let mut readable = |what: &str, part: ImageResult<Option<Vec<u8>>>| {
        part.unwrap_or_else(|error| {
            notes.push(format!("the {what} is ignored: {}", refused(format, error)));
            None
        })
    };
    let icc = readable("colour profile", decoder.icc_profile());
    let exif = readable("EXIF data", decoder.exif_metadata());
    let xmp = readable("XMP data", decoder.xmp_metadata());
    (Metadata { icc, exif, xmp }, notes)
}

/// Returns true if a file is as long as its own lengths announce. Decoders stop once they have the pixels, or fill in
/// missing ones.
fn is_whole(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Png => png_chunks::chunks(bytes).is_some(),
        Format::WebP => webp_chunks::names(bytes).is_some(),
        _ => true,
    }
}

/// Maps an error of a decoder; this crate's error names the format.
pub(super) fn refused(format: Format, error: ImageError) -> Error {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::CutShort(format)
        }
        ImageError::Unsupported(error) => {
            let (feature, hint) = (error.kind(), error.format_hint());
            let named =
                if hint == ImageFormatHint::Unknown { error.to_string() } else { format!("{feature:?}") };
            Error::UnsupportedFeature { format, feature: named }
        }
        ImageError::Decoding(error) => {
            let cause =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            if cause.contains("unexpected end") || cause.contains("unexpected EOF") {
                return Error::CutShort(format);
            }
            Error::damaged(format)(cause.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        other => Error::damaged(format)(other.to_string()),
    }
}
