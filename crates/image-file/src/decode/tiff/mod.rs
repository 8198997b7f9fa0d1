//! The first page of a TIFF file, decoded by the `tiff` crate. Palettes, samples below 8 bits, YCbCr, inks, separate
//! planes and premultiplied alpha are handled here.

mod fill_order;
mod plane_tiles;

use image::{DynamicImage, ImageBuffer, metadata::Orientation};
use tiff::{
    ColorType, TiffError,
    decoder::{
        BufferLayoutPreference, ChunkType, Decoder, DecodingResult, Limits as DecoderLimits, ifd::Value,
    },
    tags::Tag,
};

use super::{jpeg::rgb_of_ycc, stored::Stored};
use crate::{
    Error, Format, Limits, Metadata, Result, colour::Decoded, deadline::Deadline, metadata,
    tiff_directory::Block, timed_reader::TimedReader,
};

const PHOTOMETRIC: u16 = 262;
const PALETTE: u32 = 3;
const BLACK_IS_ZERO: u8 = 1;
const XMP: Tag = Tag::Unknown(700);
const DNG_VERSION: Tag = Tag::Unknown(50706);
/// Flag of `NewSubfileType` for a reduced version of another image.
const REDUCED: u32 = 1;
/// Largest entry, such as a colour profile, in bytes.
const MAX_VALUE: usize = 1 << 26;
/// Value of `ExtraSamples` for premultiplied alpha.
const PREMULTIPLIED: u16 = 1;
/// Value of `ExtraSamples` for alpha that is not multiplied.
const STRAIGHT: u16 = 2;

/// Decodes a TIFF file.
pub(super) fn decode(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Stored> {
    let usual = fill_order::usual(bytes, deadline);
    let bytes = usual.as_deref().unwrap_or(bytes);
    // The crate refuses palettes, but reads their indices as grey levels.
    match as_grey(bytes) {
        Some(grey) => read(&grey, true, limits, deadline),
        None => read(bytes, false, limits, deadline),
    }
}

/// The file with its photometric interpretation changed to grey levels; `None` if it has no palette.
fn as_grey(bytes: &[u8]) -> Option<Vec<u8>> {
    let block = Block::new(bytes)?;
    let entry = block.find(&block.first()?, PHOTOMETRIC)?;
    let value = block.value(entry.kind, BLACK_IS_ZERO)?;
    (block.number(entry) == Some(PALETTE)).then(|| {
        let mut grey = bytes.to_vec();
        grey[entry.value_at..entry.value_at + value.len()].copy_from_slice(&value);
        grey
    })
}

type Reader<'a> = Decoder<TimedReader<'a>>;

fn read(bytes: &[u8], has_palette: bool, limits: &Limits, deadline: Deadline) -> Result<Stored> {
    let mut decoder = Decoder::new(TimedReader::new(bytes, deadline)).map_err(refused)?;
    check_raw(&mut decoder)?;
    let ((width, height), colour) =
        (decoder.dimensions().map_err(refused)?, decoder.colortype().map_err(refused)?);
    let bytes_per_sample = u64::from(colour.bit_depth()).div_ceil(8).max(1);
    // The decoder's samples, at most five per pixel, and the pixels in RGB or RGBA.
    limits.check(width, height, 9 * bytes_per_sample)?;
    let mut decoder = decoder.with_limits(decoder_limits(limits));
    let metadata = profile_and_xmp(&mut decoder);
    let orientation = orientation(&mut decoder, metadata.xmp.as_deref());
    let palette = has_palette.then(|| decoder.get_tag_u16_vec(Tag::ColorMap)).transpose().map_err(refused)?;
    let alpha = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).ok().flatten().unwrap_or_default();
    check_dropped(&mut decoder, colour)?;
    let samples = samples(&mut decoder, colour, [width, height])?;
    let (colour, samples) = without_unspecified(colour, samples, &alpha);
    let pixels = match (palette, colour, samples) {
        (Some(palette), ColorType::Gray(bits), Samples::Eight(packed)) => {
            looked_up(&unpacked(&packed, bits, width), bits, &palette, width, height)?
        }
        (None, ColorType::Gray(bits @ 1..8), Samples::Eight(packed)) => {
            let top = (1_u16 << bits) - 1;
            let levels = unpacked(&packed, bits, width).into_iter().map(|v| (u16::from(v) * 255 / top) as u8);
            Decoded::Image(DynamicImage::ImageLuma8(buffer(width, height, levels.collect())?))
        }
        (None, ColorType::CMYK(8), Samples::Eight(inks)) => Decoded::Cmyk { width, height, inks },
        (None, ColorType::CMYK(16), Samples::Sixteen(inks)) => {
            // 16-bit inks are rare, and a profile's table does not preserve their precision.
            Decoded::Cmyk { width, height, inks: inks.into_iter().map(|ink| (ink >> 8) as u8).collect() }
        }
        (None, colour, Samples::Eight(samples)) => Decoded::Image(eight(colour, width, height, samples)?),
        (None, colour, Samples::Sixteen(samples)) => Decoded::Image(sixteen(colour, width, height, samples)?),
        (Some(_), colour, _) => return Err(unsupported(format!("a palette of {colour:?}"))),
    };
    let pixels = if alpha.first() == Some(&PREMULTIPLIED) { unpremultiplied(pixels) } else { pixels };
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

/// Samples, interleaved by pixel.
enum Samples {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
}

fn samples(decoder: &mut Reader<'_>, colour: ColorType, size: [u32; 2]) -> Result<Samples> {
    if plane_tiles::are_in(decoder, colour) {
        return plane_tiles::read(decoder, colour, size);
    }
    let mut samples = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut samples).map_err(refused)?;
    match samples {
        DecodingResult::U8(samples) => Ok(Samples::Eight(interleaved(samples, &layout, 1)?)),
        DecodingResult::U16(samples) => Ok(Samples::Sixteen(interleaved(samples, &layout, 2)?)),
        _ => Err(other_samples(colour)),
    }
}

fn other_samples(colour: ColorType) -> Error {
    unsupported(format!("{colour:?} samples of other types than 8 or 16-bit integers"))
}

/// Refuses interleaved samples that belong to no colour where the crate would leave them out wrongly: it predicts the
/// rest as if they were there, and writes beyond the last tile of a row.
fn check_dropped(decoder: &mut Reader<'_>, colour: ColorType) -> Result<()> {
    let mut number = |tag| decoder.find_tag_unsigned::<u16>(tag).ok().flatten().unwrap_or(1);
    let (stored, planes, predictor) =
        (number(Tag::SamplesPerPixel), number(Tag::PlanarConfiguration), number(Tag::Predictor));
    let is_wrong = predictor != 1 || decoder.get_chunk_type() == ChunkType::Tile;
    if stored > colour.num_samples() && planes == 1 && is_wrong {
        return Err(unsupported(format!("{stored} samples for {colour:?}, predicted or in tiles")));
    }
    Ok(())
}

/// Grey without the samples beside it, up to a sample of alpha.
fn without_unspecified(colour: ColorType, samples: Samples, extra: &[u16]) -> (ColorType, Samples) {
    let ColorType::Multiband { bit_depth: bit_depth @ (8 | 16), num_samples } = colour else {
        return (colour, samples);
    };
    let has_alpha = matches!(extra.first(), Some(&(PREMULTIPLIED | STRAIGHT)));
    let (colour, kept) =
        if has_alpha { (ColorType::GrayA(bit_depth), 2) } else { (ColorType::Gray(bit_depth), 1) };
    let samples = match samples {
        Samples::Eight(samples) => Samples::Eight(first_of_each(samples, kept, num_samples)),
        Samples::Sixteen(samples) => Samples::Sixteen(first_of_each(samples, kept, num_samples)),
    };
    (colour, samples)
}

/// The first `kept` of each `count` samples.
fn first_of_each<T: Copy>(samples: Vec<T>, kept: usize, count: u16) -> Vec<T> {
    let count = usize::from(count);
    if kept == count {
        return samples;
    }
    samples.chunks_exact(count).flat_map(|pixel| &pixel[..kept]).copied().collect()
}

/// Interleaves planes of one channel each.
fn interleaved<T: Copy>(samples: Vec<T>, layout: &BufferLayoutPreference, bytes: usize) -> Result<Vec<T>> {
    let Some(stride) = layout.plane_stride.filter(|_| layout.planes > 1) else { return Ok(samples) };
    let length = stride.get() / bytes;
    if samples.len() < layout.planes * length {
        return Err(Error::damaged(Format::Tiff)("a plane is missing".to_owned()));
    }
    Ok((0..length)
        .flat_map(|i| (0..layout.planes).map(move |plane| (plane, i)))
        .map(|(plane, i)| samples[plane * length + i])
        .collect())
}

/// Unpacks values of `bits` bits from rows that begin at whole bytes.
fn unpacked(packed: &[u8], bits: u8, width: u32) -> Vec<u8> {
    if bits == 8 {
        return packed.to_vec();
    }
    let per_byte = usize::from(8 / bits.clamp(1, 8));
    let row_bytes = (width as usize).div_ceil(per_byte);
    let mask = ((1_u16 << bits) - 1) as u8;
    let values = |row: &[u8]| {
        let value = |x: usize| row[x / per_byte] >> (8 - usize::from(bits) * (x % per_byte + 1)) & mask;
        (0..width as usize).map(value).collect::<Vec<_>>()
    };
    packed.chunks_exact(row_bytes).flat_map(values).collect()
}

/// Looks up colours in a palette of 16-bit values: all reds, then all greens, then all blues.
fn looked_up(indices: &[u8], bits: u8, palette: &[u16], width: u32, height: u32) -> Result<Decoded> {
    let colours = 1_usize << bits;
    if palette.len() < 3 * colours {
        return Err(Error::damaged(Format::Tiff)(format!("a palette of {} values", palette.len())));
    }
    let colour = |&index: &u8| [0, 1, 2].map(|c| (palette[c * colours + usize::from(index)] >> 8) as u8);
    let rgb = indices.iter().flat_map(colour).collect();
    Ok(Decoded::Image(DynamicImage::ImageRgb8(buffer(width, height, rgb)?)))
}

fn eight(colour: ColorType, width: u32, height: u32, samples: Vec<u8>) -> Result<DynamicImage> {
    Ok(match colour {
        ColorType::Gray(8) => DynamicImage::ImageLuma8(buffer(width, height, samples)?),
        ColorType::GrayA(8) => DynamicImage::ImageLumaA8(buffer(width, height, samples)?),
        ColorType::RGB(8) => DynamicImage::ImageRgb8(buffer(width, height, samples)?),
        ColorType::RGBA(8) => DynamicImage::ImageRgba8(buffer(width, height, samples)?),
        ColorType::YCbCr(8) => {
            let rgb = samples.as_chunks().0.iter().flat_map(|&pixel| rgb_of_ycc(pixel)).collect();
            DynamicImage::ImageRgb8(buffer(width, height, rgb)?)
        }
        other => return Err(unsupported(format!("{other:?} samples"))),
    })
}

fn sixteen(colour: ColorType, width: u32, height: u32, samples: Vec<u16>) -> Result<DynamicImage> {
    Ok(match colour {
        ColorType::Gray(16) => DynamicImage::ImageLuma16(buffer(width, height, samples)?),
        ColorType::GrayA(16) => DynamicImage::ImageLumaA16(buffer(width, height, samples)?),
        ColorType::RGB(16) => DynamicImage::ImageRgb16(buffer(width, height, samples)?),
        ColorType::RGBA(16) => DynamicImage::ImageRgba16(buffer(width, height, samples)?),
        other => return Err(unsupported(format!("{other:?} samples"))),
    })
}

/// Divides premultiplied colours by their alpha.
fn unpremultiplied(pixels: Decoded) -> Decoded {
    match pixels {
        Decoded::Image(DynamicImage::ImageRgba8(mut image)) => {
            for pixel in image.pixels_mut().filter(|pixel| pixel[3] > 0) {
                let alpha = u32::from(pixel[3]);
                let divided = |value: u8| ((u32::from(value) * 255 + alpha / 2) / alpha).min(255) as u8;
                [0, 1, 2].into_iter().for_each(|c| pixel[c] = divided(pixel[c]));
            }
            Decoded::Image(DynamicImage::ImageRgba8(image))
        }
        Decoded::Image(DynamicImage::ImageRgba16(mut image)) => {
            for pixel in image.pixels_mut().filter(|pixel| pixel[3] > 0) {
                let alpha = u64::from(pixel[3]);
                let divided = |value: u16| ((u64::from(value) * 65535 + alpha / 2) / alpha).min(65535) as u16;
                [0, 1, 2].into_iter().for_each(|c| pixel[c] = divided(pixel[c]));
            }
            Decoded::Image(DynamicImage::ImageRgba16(image))
        }
        other => other,
    }
}

fn buffer<P: image::Pixel>(
    width: u32,
    height: u32,
    samples: Vec<P::Subpixel>,
) -> Result<ImageBuffer<P, Vec<P::Subpixel>>> {
    let damaged = || Error::damaged(Format::Tiff)("fewer samples than pixels".to_owned());
    ImageBuffer::from_raw(width, height, samples).ok_or_else(damaged)
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
