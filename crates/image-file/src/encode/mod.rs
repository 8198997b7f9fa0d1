//! From a released picture to the bytes of its file.

mod jpeg;
mod lossy_webp;
mod png;
mod webp;

use image::DynamicImage;

use crate::{Error, Format, Metadata, Picture, Pixels, Result};

/// How a released image is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lossless, with as many bits a channel as the original has.
    Png,
    /// Lossless, 8 bits a channel.
    WebP,
    /// Lossy, 8 bits a channel, colour once for four pixels; where the feature `webp-lossy` is compiled in.
    LossyWebP {
        /// 1 to 100.
        quality: u8,
    },
    /// Lossy, 8 bits a channel, without transparency.
    Jpeg {
        /// 1 to 100.
        quality: u8,
        /// Whether colour is stored for each pixel, rather than once for four.
        full_chroma: bool,
    },
}

impl Encoding {
    /// Ending of file names.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::WebP | Self::LossyWebP { .. } => "webp",
            Self::Jpeg { .. } => "jpg",
        }
    }

    /// The format.
    pub fn format(self) -> Format {
        match self {
            Self::Png => Format::Png,
            Self::WebP | Self::LossyWebP { .. } => Format::WebP,
            Self::Jpeg { .. } => Format::Jpeg,
        }
    }

    /// Whether files hold the pixels as they are, rounded.
    pub fn is_lossless(self) -> bool {
        matches!(self, Self::Png | Self::WebP)
    }

    /// Whether a file of 16-bit pixels keeps them.
    pub fn keeps_depth(self) -> bool {
        self == Self::Png
    }

    /// Whether transparency is kept.
    pub fn keeps_transparency(self) -> bool {
        !matches!(self, Self::Jpeg { .. })
    }
}

/// The bytes of a file, and what of the picture is not in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The file.
    pub bytes: Vec<u8>,
    /// What was left out, one sentence each.
    pub notes: Vec<String>,
}

impl Picture {
    /// The file of this picture with other pixels: its metadata and its transparency stay.
    ///
    /// `pixels` is what is shown on the background. Under transparency, colours are chosen that show it.
    ///
    /// # Errors
    /// If the pixels have another size, or the format cannot hold them.
    pub fn encode(&self, pixels: &Pixels, encoding: Encoding) -> Result<Encoded> {
        let restored = self.restore(pixels)?.filter(|_| encoding.keeps_transparency());
        let image = restored.unwrap_or_else(|| match pixels {
            Pixels::Eight(image) => DynamicImage::ImageRgb8(image.clone()),
            Pixels::Sixteen(image) => DynamicImage::ImageRgb16(image.clone()),
        });
        encode(&image, &self.metadata, encoding)
    }
}

/// RGB or RGBA as a file.
fn encode(image: &DynamicImage, metadata: &Metadata, encoding: Encoding) -> Result<Encoded> {
    match encoding {
        Encoding::Png => png::encode(image, metadata),
        Encoding::WebP => webp::encode(image, metadata),
        Encoding::LossyWebP { quality } => lossy_webp::encode(image, metadata, quality),
        Encoding::Jpeg { quality, full_chroma } => jpeg::encode(image, metadata, quality, full_chroma),
    }
}

/// An encoder's error.
fn refused(format: Format, error: impl std::fmt::Display) -> Error {
    Error::Encode { format, reason: error.to_string() }
}
