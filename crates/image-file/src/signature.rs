//! Recognition of formats by the first bytes of a file.

use crate::{Error, Format, Result};

/// First bytes of decoded formats, except WebP and HEIC, whose containers are used by other formats too.
const KNOWN: [(&[u8], Format); 12] = [
    (b"\xFF\xD8\xFF", Format::Jpeg),
    (b"\x89PNG\r\n\x1A\n", Format::Png),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
    (b"BM", Format::Bmp),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"II+\0", Format::Tiff),
    (b"MM\0+", Format::Tiff),
    (b"qoif", Format::Qoi),
    (b"\xFF\x0A", Format::JpegXl),
    (b"\0\0\0\x0CJXL \r\n\x87\n", Format::JpegXl),
];

/// First bytes of formats that are not decoded, named in the error.
const FOREIGN: [(&[u8], &str); 20] = [
    (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xFF\x4F\xFF\x51", "JPEG 2000"),
    (b"II\xBC\x01", "JPEG XR"),
    (b"8BPS", "Photoshop"),
    (b"\x76\x2F\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"DDS ", "DDS"),
    (b"\0\0\x01\0", "ICO"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML"),
    (b"<!DOCTYPE html", "HTML"),
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"PK\x03\x04", "ZIP"),
    (b"P4", "PBM"),
    (b"P5", "PGM"),
    (b"P6", "PPM"),
    (b"P7", "PAM"),
    (b"farbfeld", "farbfeld"),
];

/// First bytes of the files that stand for others, with the programs that fetch the content.
const POINTERS: [(&[u8], &str); 2] =
    [(b"/annex/objects/", "git-annex"), (b"version https://git-lfs.github.com/spec/", "Git LFS")];

/// Sizes of the information headers of BMP files, of all versions.
const BMP_HEADERS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

/// Brands of HEIC files.
const HEIC_BRANDS: [&[u8]; 7] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1"];
/// Brands of AVIF files.
const AVIF_BRANDS: [&[u8]; 2] = [b"avif", b"avis"];

impl Format {
    /// The format of a file by its first bytes; its name does not count.
    ///
    /// # Errors
    /// If the format is unknown or not decoded.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        if let Some((_, format)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Ok(*format);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Self::WebP);
        }
        if bytes.get(4..8) == Some(b"ftyp") {
            return of_brands(bytes);
        }
        let named = |list: &[(&[u8], &'static str)]| {
            list.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| *name)
        };
        match (named(&POINTERS), named(&FOREIGN)) {
            (Some(program), _) => Err(Error::Pointer { program }),
            (None, Some(name)) => Err(Error::UnsupportedFormat { name, hint: "" }),
            (None, None) => Err(Error::UnknownFormat),
        }
    }
}

impl Format {
    /// Returns true if a file that begins with these bytes is an image of the formats of [`Format::ENDINGS`]; the first
    /// [`Format::START`] are enough. It is for files whose names do not tell: texts that begin with `BM` are none.
    ///
    /// ```
    /// use active_index_image_file::Format;
    ///
    /// assert!(Format::is_image(b"GIF89a\x01\0\x01\0"));
    /// assert!(!Format::is_image(b"BM is a town's number plate"));
    /// ```
    pub fn is_image(start: &[u8]) -> bool {
        match Self::of(start) {
            Ok(Self::Bmp) => {
                let size = start.get(14..).and_then(|header| header.first_chunk());
                size.is_some_and(|size| BMP_HEADERS.contains(&u32::from_le_bytes(*size)))
            }
            // Channels and colour space.
            Ok(Self::Qoi) => matches!(start.get(12..14), Some([3 | 4, 0 | 1])),
            Ok(_) | Err(Error::UnsupportedFormat { name: "AVIF", .. }) => true,
            Err(_) => false,
        }
    }
}

/// The format in an ISO base media file by its major and compatible brands; AVIF files may also have `mif1`, so they
/// are checked first.
fn of_brands(bytes: &[u8]) -> Result<Format> {
    let length = bytes.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let end = length.clamp(8, bytes.len());
    let brands: Vec<&[u8]> = bytes[8..end].chunks_exact(4).collect();
    let has = |wanted: &[&[u8]]| brands.iter().any(|brand| wanted.contains(brand));
    if has(&AVIF_BRANDS) {
        return Err(Error::UnsupportedFormat { name: "AVIF", hint: "" });
    }
    if has(&HEIC_BRANDS) {
        return Ok(Format::Heic);
    }
    Err(Error::UnsupportedFormat { name: "ISO media", hint: "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_decide_and_foreign_formats_are_named() {
        assert_eq!(Format::of(b"RIFF\0\0\0\0WEBPVP8 ").unwrap(), Format::WebP);
        assert_eq!(Format::of(b"MM\0*\0\0\0\x08").unwrap(), Format::Tiff);
        let heic = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic";
        assert_eq!(Format::of(heic).unwrap(), Format::Heic);
        let reason = |bytes: &[u8]| Format::of(bytes).unwrap_err().to_string();
        assert!(reason(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif").contains("AVIF"));
        assert!(reason(b"\xFF\xFF\xFF\xFFftypmp42").contains("ISO media"));
        assert!(reason(b"8BPS\0\x01").contains("Photoshop"));
        assert!(reason(b"").contains("empty"));
        assert!(reason(b"This is no image.\n").contains("no image"));
        assert!(reason(b"RIFF").contains("no image"));
        assert!(reason(b"<!DOCTYPE html><title>404</title>").contains("HTML"));
        let annex = reason(b"/annex/objects/SHA256E-s77047--ab.jpg\n");
        assert_eq!(annex, "holds a pointer of git-annex, and the content is not here");
        assert!(reason(b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n").contains("Git LFS"));
    }

    #[test]
    fn files_without_a_telling_name_are_told_from_texts_and_films() {
        let bmp = |size: u8| [b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &[size, 0, 0, 0]].concat();
        let images: [&[u8]; 5] = [
            b"\xFF\xD8\xFF\xE0",
            b"MM\0*\0\0\0\x08",
            &bmp(40),
            b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
            &bmp(124),
        ];
        images.into_iter().for_each(|start| assert!(Format::is_image(start), "{}", start.escape_ascii()));
        let others: [&[u8]; 6] = [
            b"",
            b"BM",
            b"BMW 2002, a list of parts",
            b"\0\0\0\x14ftypqt  \0\0\0\0",
            b"qoif is a format",
            &bmp(32),
        ];
        others.into_iter().for_each(|start| assert!(!Format::is_image(start), "{}", start.escape_ascii()));
    }
}
