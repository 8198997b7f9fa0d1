//! Image file formats.

use std::fmt;

/// An image file format that can be decoded, some only with a Cargo feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are the names of the formats")]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
    Tiff,
    Qoi,
    /// Feature `jxl`.
    JpegXl,
    /// Feature `heic`.
    Heic,
}

impl Format {
    /// Endings of image file names, in lower case, including those of recognised formats that are not decoded.
    pub const ENDINGS: [&str; 16] = [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "tif", "tiff", "qoi", "jxl",
        "heic", "heif", "avif",
    ];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Qoi => "QOI",
            Self::JpegXl => "JPEG XL",
            Self::Heic => "HEIC",
        })
    }
}
