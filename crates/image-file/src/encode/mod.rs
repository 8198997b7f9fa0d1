//! Encoding of released pictures.

mod encoded;
mod jpeg;
mod lossy_webp;
mod png;
mod webp;

use image::DynamicImage;

use crate::{Format, Metadata, Picture, Pixels, Result};
pub use encoded::Encoded;

/// Encoding of a released image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lossless PNG, with the bit depth of the pixels.
    Png,
    /// Lossless WebP, 8 bits per channel.
    WebP,
    /// Lossy WebP, 8 bits per channel, with chroma subsampled 4:2:0; requires the feature `webp-lossy`.
    LossyWebP {
        /// Quality from 1 to 100.
        quality: u8,
    },
    /// JPEG, lossy, 8 bits per channel, without transparency.
    Jpeg {
        /// Quality from 1 to 100.
        quality: u8,
        /// Chroma for every pixel (4:4:4) instead of one for four (4:2:0).
        full_chroma: bool,
    },
}

impl Encoding {
    /// Ending of file names, without the dot.
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

    /// Returns true if a file stores the pixels exactly, rounded to its bit depth.
    pub fn is_lossless(self) -> bool {
        matches!(self, Self::Png | Self::WebP)
    }

    /// Returns true if a file stores 16-bit pixels without rounding.
    pub fn keeps_depth(self) -> bool {
        self == Self::Png
    }

    /// Returns true if a file stores transparency.
    pub fn keeps_transparency(self) -> bool {
        !matches!(self, Self::Jpeg { .. })
    }
}

impl Picture {
    /// Encodes this picture with other pixels, and with its own metadata and transparency.
    ///
    /// `pixels` are the colours shown on the background. Transparent pixels are stored with the colour that looks like
    /// them there.
    ///
    /// # Errors
    /// If the pixels have another size, or are too large for the format.
    pub fn encode(&self, pixels: &Pixels, encoding: Encoding) -> Result<Encoded> {
        let restored = self.restore(pixels)?.filter(|_| encoding.keeps_transparency());
        let image = restored.unwrap_or_else(|| match pixels {
            Pixels::Eight(image) => DynamicImage::ImageRgb8(image.clone()),
            Pixels::Sixteen(image) => DynamicImage::ImageRgb16(image.clone()),
        });
        encode(&image, &self.metadata, encoding)
    }
}

/// Encodes RGB or RGBA.
fn encode(image: &DynamicImage, metadata: &Metadata, encoding: Encoding) -> Result<Encoded> {
    match encoding {
        Encoding::Png => png::encode(image, metadata),
        Encoding::WebP => webp::encode(image, metadata),
        Encoding::LossyWebP { quality } => lossy_webp::encode(image, metadata, quality),
        Encoding::Jpeg { quality, full_chroma } => jpeg::encode(image, metadata, quality, full_chroma),
    }
}
