//! PNG, WebP, GIF, BMP and QOI, decoded by the `image` crate.

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageResult, LimitSupport, Limits as DecoderLimits,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, qoi::QoiDecoder, webp::WebPDecoder},
    error::ImageFormatHint,
};

use super::{gif_screen, stored::Stored, webp_chunks};
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
        _ => None,
    };
    let refused = |error| refused(format, error);
    let reader = TimedReader::new(corrected.as_deref().unwrap_or(bytes), deadline);
    match format {
        Format::Png => {
            let limits_of_decoder = decoder_limits(limits);
            let decoder = PngDecoder::with_limits(reader, limits_of_decoder).map_err(refused)?;
            read(format, decoder, limits)
        }
        Format::WebP => read(format, WebPDecoder::new(reader).map_err(refused)?, limits),
        Format::Gif => read(format, GifDecoder::new(reader).map_err(refused)?, limits),
        Format::Bmp => read(format, BmpDecoder::new(reader).map_err(refused)?, limits),
        _ => {
            qoi_size(bytes, limits)?;
            read(format, QoiDecoder::new(reader).map_err(refused)?, limits)
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

fn read(format: Format, mut decoder: impl ImageDecoder, limits: &Limits) -> Result<Stored> {
    let (width, height) = decoder.dimensions();
    // The decoder's buffer, a possible copy of it, and the RGB pixels.
    limits.check(width, height, 3 * u64::from(decoder.color_type().bytes_per_pixel()))?;
    let refused = |error| refused(format, error);
    let (metadata, notes) = metadata(format, &mut decoder);
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
        Format::Png => png_chunks_end(bytes).is_some(),
        Format::WebP => webp_chunks::names(bytes).is_some(),
        _ => true,
    }
}

/// End of the last chunk of a PNG file; `None` if it is cut short.
fn png_chunks_end(bytes: &[u8]) -> Option<usize> {
    const SIGNATURE: usize = 8;
    const LENGTH_NAME_AND_SUM: usize = 12;
    let mut at = SIGNATURE;
    loop {
        let header: &[u8; 8] = bytes.get(at..)?.first_chunk()?;
        let [l3, l2, l1, l0, name @ ..] = *header;
        let length = u32::from_be_bytes([l3, l2, l1, l0]) as usize;
        at = at.checked_add(length)?.checked_add(LENGTH_NAME_AND_SUM)?;
        if at > bytes.len() {
            return None;
        }
        if name == *b"IEND" {
            return Some(at);
        }
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
