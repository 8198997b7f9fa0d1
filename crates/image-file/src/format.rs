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
    /// All formats, those of features included.
    pub const ALL: [Self; 9] = [
        Self::Jpeg,
        Self::Png,
        Self::WebP,
        Self::Gif,
        Self::Bmp,
        Self::Tiff,
        Self::Qoi,
        Self::JpegXl,
        Self::Heic,
    ];

    /// Endings of image file names, in lower case, including those of recognised formats that are not decoded.
    pub const ENDINGS: [&str; 24] = [
        "jpg",
        "jpeg",
        "jpe",
        "jfif",
        "jif",
        "jfi",
        "pjpeg",
        "pjp",
        "jpg_large",
        "jpg_orig",
        "mpo",
        "png",
        "apng",
        "webp",
        "gif",
        "bmp",
        "dib",
        "tif",
        "tiff",
        "qoi",
        "jxl",
        "heic",
        "heif",
        "avif",
    ];

    /// Endings, in lower case, of files that begin like an image and show a preview of something else: raw files of cameras,
    /// and thumbnails of their videos.
    pub const PREVIEW_ENDINGS: [&str; 26] = [
        "3fr", "arw", "cr2", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25", "kdc", "mef", "mos",
        "nef", "nrw", "orf", "pef", "ptx", "raw", "rw2", "rwl", "sr2", "srf", "srw", "thm",
    ];

    /// Number of bytes at the start of a file that [`Format::is_image`] needs.
    pub const START: usize = 512;
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
