//! JPEG files of thumbnails.

use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::reader::check;
use crate::{Error, LONGEST, Result};

/// Qualities of thumbnails, in libjpeg's scale: the first one that is small enough is taken. Noise needs the others.
const QUALITIES: [u8; 4] = [80, 60, 40, 15];
/// Bytes of the largest thumbnail.
const MOST_BYTES: usize = 60_000;
/// Scans of the largest progressive file that is read.
const MOST_SCANS: usize = 32;

/// Encodes a picture of at most 384 pixels a side.
pub(crate) fn encode(picture: &RgbImage) -> Vec<u8> {
    let mut files = QUALITIES.into_iter().map(|quality| encode_at(picture, quality));
    files
        .find(|bytes| bytes.len() <= MOST_BYTES)
        .expect("noise of 384 x 384 pixels takes 45,000 bytes at quality 15")
}

fn encode_at(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    // Huffman tables are the standard ones: optimised ones of jpeg-encoder 0.7 make a wrong file where colours are subsampled.
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let [width, height] = [picture.width() as u16, picture.height() as u16];
    encoder
        .encode(picture.as_raw(), width, height, ColorType::Rgb)
        .expect("memory takes every byte of a small picture");
    bytes
}

/// Decodes a thumbnail, to the same samples on every machine: the decoder's vector instructions stay off.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage> {
    check("bytes of the thumbnail", bytes.len() as u64, 1..=MOST_BYTES as u64, "1 to 60,000")?;
    let options = DecoderOptions::default()
        .set_max_width(LONGEST)
        .set_max_height(LONGEST)
        .set_use_unsafe(false)
        .set_strict_mode(true)
        .jpeg_set_max_scans(MOST_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode().map_err(refused)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| refused("no size"))?;
    RgbImage::from_raw(width as u32, height as u32, samples).ok_or_else(|| refused("samples are missing"))
}

/// Error of one line.
fn refused(error: impl std::fmt::Display) -> Error {
    let text = error.to_string();
    Error::Thumbnail(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texture::texture;

    #[test]
    fn thumbnails_come_back_nearly_the_same() {
        let mut picture = texture(384, 250, 4);
        picture.enumerate_pixels_mut().for_each(|(x, _, pixel)| pixel[2] = (x / 2) as u8);
        let bytes = encode(&picture);
        assert!(bytes.len() < 60_000, "{}", bytes.len());
        let decoded = decode(&bytes).expect("what was encoded");
        assert_eq!(decoded.dimensions(), (384, 250));
        let error =
            picture.as_raw().iter().zip(decoded.as_raw()).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
        assert!(error.sum::<f64>() / (384.0 * 250.0 * 3.0) < 100.0);
    }

    #[test]
    fn noise_is_small_enough() {
        let mut state = 1u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 31) as u8 * 255
        };
        let noise = RgbImage::from_fn(384, 384, |_, _| image::Rgb([byte(), byte(), byte()]));
        assert!(decode(&encode(&noise)).is_ok());
    }

    #[test]
    fn larger_pictures_and_other_files_are_refused_in_one_line() {
        let large = encode(&texture(390, 20, 1));
        for bytes in [&large[..], &large[..40], b"GIF89a", b""] {
            let error = decode(bytes).expect_err("no thumbnail").to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
