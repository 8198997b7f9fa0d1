//! JPEG, decoded by zune-jpeg, or by jpeg-decoder where zune-jpeg is wrong. Inks stay unconverted for the colour profile,
//! and damage is an error.

mod entropy;
mod markers;
mod multi_picture;
mod standard_tables;
mod unusual;

use std::ops::Range;

use image::{DynamicImage, ImageBuffer};
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

use super::stored::Stored;
use crate::{
    Error, Format, Limits, Metadata, Result, colour::Decoded, deadline::Deadline, metadata::orientation,
    timed_reader::TimedByteReader,
};
use markers::{ADOBE, FrameHeader, START_OF_SCAN, Segments, is_frame};

/// Position of the colour transform in Adobe's segment.
const TRANSFORM: usize = 11;
/// Value of that transform for components that are no YCbCr.
const UNCONVERTED: u8 = 0;
/// Value of that transform for YCbCr.
const YCBCR: u8 = 1;

/// Decodes a JPEG file.
pub(super) fn decode(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Stored> {
    let with_tables = standard_tables::completed(bytes);
    let bytes = with_tables.as_deref().unwrap_or(bytes);
    let header = FrameHeader::of(bytes)?;
    limits.check(header.width, header.height, bytes_per_pixel(&header))?;
    let surplus = if header.is_progressive { Vec::new() } else { entropy::surplus(bytes, deadline)? };
    let whole = (!surplus.is_empty()).then(|| without(bytes, &surplus));
    let bytes = whole.as_deref().unwrap_or(bytes);
    let stored = if header.is_unusual() {
        unusual::decode(bytes, &header, deadline)
    } else {
        usual(bytes, &header, deadline)
    };
    let notes = note(&surplus).into_iter().chain(multi_picture::note(bytes)).collect();
    Ok(Stored { notes, ..stored? })
}

/// Decodes by zune-jpeg.
fn usual(bytes: &[u8], header: &FrameHeader, deadline: Deadline) -> Result<Stored> {
    let named = match (header.components(), header.adobe_transform, header.is_jfif) {
        (3, Some(UNCONVERTED), false) => Some(named_rgb(bytes)),
        (3, Some(UNCONVERTED), true) => Some(named_converted(bytes)),
        _ => None,
    };
    let bytes = named.as_deref().unwrap_or(bytes);
    // Stray bytes between headers are harmless; from the pixels on, strict mode makes every fault an error.
    let lenient =
        DecoderOptions::default().set_strict_mode(false).set_max_width(1 << 16).set_max_height(1 << 16);
    let mut decoder = JpegDecoder::new_with_options(TimedByteReader::new(bytes, deadline), lenient);
    decoder.decode_headers().map_err(refused)?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let delivered = match stored {
        ColorSpace::Luma | ColorSpace::CMYK | ColorSpace::YCCK => stored,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(lenient.set_strict_mode(true).jpeg_set_out_colorspace(delivered));
    let samples = decoder.decode().map_err(refused)?;
    let (exif, xmp) = (decoder.exif().cloned(), decoder.xmp().cloned());
    Ok(Stored {
        pixels: pixels(header, delivered, samples)?,
        orientation: orientation(exif.as_deref(), xmp.as_deref()),
        metadata: Metadata { icc: decoder.icc_profile(), exif, xmp },
        notes: Vec::new(),
    })
}

/// The file without some bytes.
fn without(bytes: &[u8], surplus: &[Range<usize>]) -> Vec<u8> {
    let starts = [0].into_iter().chain(surplus.iter().map(|range| range.end));
    let ends = surplus.iter().map(|range| range.start).chain([bytes.len()]);
    starts.zip(ends).flat_map(|(start, end)| &bytes[start..end]).copied().collect()
}

fn note(surplus: &[Range<usize>]) -> Option<String> {
    let count = surplus.iter().map(Range::len).sum::<usize>();
    (count > 0).then(|| format!("{count} bytes behind the last code or before restarts are ignored"))
}

/// The file with its three components named R, G and B. zune-jpeg recognises RGB by these names, not by Adobe's
/// segment.
fn named_rgb(bytes: &[u8]) -> Vec<u8> {
    let (mut named, mut ids) = (bytes.to_vec(), Vec::new());
    for segment in Segments::of(bytes).flatten() {
        // Identifiers follow precision, height, width and count in a frame, every 3 bytes; and the count in a scan,
        // every 2 bytes.
        let (first, step) = match segment.marker {
            START_OF_SCAN => (1, 2),
            marker if is_frame(marker) => (6, 3),
            _ => continue,
        };
        for place in (first..segment.body.len()).step_by(step).take(3) {
            if step == 3 {
                ids.push(segment.body[place]);
            }
            if let Some(i) = ids.iter().position(|&id| id == segment.body[place]) {
                named[segment.at + place] = b"RGB"[i.min(2)];
            }
        }
    }
    named
}

/// The file with an Adobe segment that says the same as JFIF, which libjpeg lets decide.
fn named_converted(bytes: &[u8]) -> Vec<u8> {
    let mut named = bytes.to_vec();
    for segment in Segments::of(bytes).flatten() {
        if segment.marker == ADOBE && segment.body.starts_with(b"Adobe") && segment.body.len() > TRANSFORM {
            named[segment.at + TRANSFORM] = YCBCR;
        }
    }
    named
}

/// Memory of decoding, in bytes per pixel: the samples and, for progressive and unusual files, the coefficients until
/// the last scan.
fn bytes_per_pixel(header: &FrameHeader) -> u64 {
    let components = header.components().max(1) as u64;
    let delivered = 2 * components.max(3);
    if header.is_progressive || header.is_unusual() { delivered + 2 * components } else { delivered }
}

fn pixels(header: &FrameHeader, delivered: ColorSpace, mut samples: Vec<u8>) -> Result<Decoded> {
    let (width, height) = (header.width, header.height);
    if matches!(delivered, ColorSpace::CMYK | ColorSpace::YCCK) {
        let to_ink = if delivered == ColorSpace::CMYK { inverted } else { inks_of_ycck };
        samples.as_chunks_mut().0.iter_mut().for_each(|pixel| *pixel = to_ink(*pixel));
        return Ok(Decoded::Cmyk { width, height, inks: samples });
    }
    let image = if delivered == ColorSpace::Luma {
        ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8)
    } else {
        ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8)
    };
    image.map(Decoded::Image).ok_or_else(|| Error::Damaged {
        format: Format::Jpeg,
        reason: "the image is smaller than its header announces".to_owned(),
    })
}

/// Inks stored inverted, as Adobe's programs and all other writers of CMYK do.
fn inverted(stored: [u8; 4]) -> [u8; 4] {
    stored.map(|value| 255 - value)
}

/// Inks of YCCK: conversion from YCbCr (ITU-T T.871, section 7) inverts three of them once more, so they need no
/// inversion. Black does.
fn inks_of_ycck([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let [c, m, y] = rgb_of_ycc([y, cb, cr]);
    [c, m, y, 255 - k]
}

/// RGB of full-range YCbCr (ITU-T T.871, section 7).
pub(super) fn rgb_of_ycc([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = [f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0];
    let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
    rgb.map(|value| value.round().clamp(0.0, 255.0) as u8)
}

fn refused(error: DecodeErrors) -> Error {
    match error {
        DecodeErrors::Unsupported(scheme) => {
            Error::UnsupportedFeature { format: Format::Jpeg, feature: format!("{scheme:?}") }
        }
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => Error::CutShort(Format::Jpeg),
        other => Error::damaged(Format::Jpeg)(one_line(&other)),
    }
}

fn one_line(error: &DecodeErrors) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ").trim_matches('"').to_owned()
}
