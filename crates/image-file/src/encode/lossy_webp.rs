//! Lossy WebP, encoded by libwebp with the feature `webp-lossy`.

use image::DynamicImage;

use super::encoded::Encoded;
use crate::{Error, Format, Metadata, Result};

#[cfg(not(feature = "webp-lossy"))]
pub(super) fn encode(_: &DynamicImage, _: &Metadata, _: u8) -> Result<Encoded> {
    Err(Error::Encode {
        format: Format::WebP,
        reason: "this build has no lossy encoder (feature webp-lossy)".to_owned(),
    })
}

#[cfg(feature = "webp-lossy")]
pub(super) fn encode(image: &DynamicImage, metadata: &Metadata, quality: u8) -> Result<Encoded> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > super::webp::MAX_SIDE {
        return Err(Error::TooLargeFor { width, height, format: Format::WebP });
    }
    let refused = |error: &dyn std::fmt::Debug| super::encoded::refused(Format::WebP, format!("{error:?}"));
    let mut config = webp::WebPConfig::new().map_err(|error| refused(&error))?;
    config.quality = quality.clamp(1, 100).into();
    // Keep the colours of fully transparent pixels, and sharp edges of chroma.
    (config.exact, config.use_sharp_yuv) = (1, 1);
    let file = if image.color().has_alpha() {
        webp::Encoder::from_rgba(&image.to_rgba8(), width, height).encode_advanced(&config)
    } else {
        webp::Encoder::from_rgb(&image.to_rgb8(), width, height).encode_advanced(&config)
    };
    let file = file.map_err(|error| refused(&error))?;
    Ok(Encoded { bytes: container::with_metadata(&file, [width, height], metadata), notes: Vec::new() })
}

/// The extended file format of WebP, RFC 9649, section 2.7.
#[cfg(feature = "webp-lossy")]
mod container {
    use crate::Metadata;

    const ICC: u8 = 1 << 5;
    const ALPHA: u8 = 1 << 4;
    const EXIF: u8 = 1 << 3;
    const XMP: u8 = 1 << 2;

    /// Moves the image chunks of a file into one with metadata; without metadata, returns the file itself.
    pub(super) fn with_metadata(file: &[u8], [width, height]: [u32; 2], metadata: &Metadata) -> Vec<u8> {
        let Metadata { icc, exif, xmp } = metadata;
        if icc.is_none() && exif.is_none() && xmp.is_none() {
            return file.to_vec();
        }
        let flag = |part: &Option<Vec<u8>>, flag| if part.is_some() { flag } else { 0 };
        let image: Vec<_> =
            chunks(file).filter(|(name, _)| [b"VP8 ", b"VP8L", b"ALPH"].contains(name)).collect();
        let alpha = if image.iter().any(|(name, _)| *name == b"ALPH") { ALPHA } else { 0 };
        let mut header = vec![flag(icc, ICC) | alpha | flag(exif, EXIF) | flag(xmp, XMP), 0, 0, 0];
        header.extend([width - 1, height - 1].iter().flat_map(|side| side.to_le_bytes()[..3].to_vec()));
        let mut body = b"WEBP".to_vec();
        put(&mut body, b"VP8X", &header);
        icc.iter().for_each(|icc| put(&mut body, b"ICCP", icc));
        image.iter().for_each(|(name, data)| put(&mut body, name, data));
        exif.iter().for_each(|exif| put(&mut body, b"EXIF", exif));
        xmp.iter().for_each(|xmp| put(&mut body, b"XMP ", xmp));
        [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
    }

    fn put(body: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
        body.extend(name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(data);
        // Chunks begin at even positions.
        body.extend((data.len() % 2 == 1).then_some(0));
    }

    /// Names and data of the chunks of a whole file.
    fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
        let mut rest = file.get(12..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (name, behind) = rest.split_first_chunk::<4>()?;
            let (length, behind) = behind.split_first_chunk::<4>()?;
            let length = u32::from_le_bytes(*length) as usize;
            let data = behind.get(..length)?;
            rest = behind.get(length + length % 2..).unwrap_or_default();
            Some((name, data))
        })
    }
}
