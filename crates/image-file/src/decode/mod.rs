//! Decoding of files to pictures.

mod bmp_header;
mod gif_screen;
mod guard;
#[cfg(feature = "heic")]
mod heic;
mod image_crate;
mod jpeg;
#[cfg(feature = "jxl")]
mod jpeg_xl;
mod png_chunks;
mod stored;
mod tiff;
mod webp_chunks;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use image::DynamicImage;

use crate::{
    Error, Format, Limits, Metadata, Picture, Pixels, Result, Store, Transparency,
    colour::{Converted, to_srgb},
    deadline::Deadline,
    metadata::{baked_exif, baked_xmp, readable_exif},
};
use guard::guarded;
use stored::Stored;

/// Bytes read from a file between two checks of the deadline.
const CHUNK: u64 = 1 << 22;

/// Reader of image files, with limits and a background for transparent images.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Limits on each image.
    pub limits: Limits,
    /// Background of transparent parts, 8 bits per channel; white by default.
    pub background: [u8; 3],
    /// Store of the files whose paths are its addresses; none by default.
    pub store: Option<&'static dyn Store>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { limits: Limits::default(), background: [255; 3], store: None }
    }
}

impl Reader {
    /// Decodes a file; its name does not determine the format.
    ///
    /// # Errors
    /// If the file cannot be read, is not an image that this build decodes, is damaged or truncated, or exceeds a
    /// limit.
    pub fn open(&self, path: &Path) -> Result<Picture> {
        if let Some(store) = self.store_of(path) {
            return self.decode(&store.read(path, self.limits.max_file_bytes)?);
        }
        let deadline = Deadline::starting_now(self.limits.max_seconds);
        let bytes = self.read_bytes(path, deadline)?;
        self.decode_until(&bytes, deadline)
    }

    /// Reads the bytes of a file, for [`Self::decode`].
    ///
    /// # Errors
    /// If the file cannot be read, is no regular file, or exceeds a limit.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>> {
        match self.store_of(path) {
            // The time that a store takes is its own to limit.
            Some(store) => store.read(path, self.limits.max_file_bytes),
            None => self.read_bytes(path, Deadline::starting_now(self.limits.max_seconds)),
        }
    }

    /// Returns the store of a file that has an address.
    fn store_of(&self, path: &Path) -> Option<&'static dyn Store> {
        self.store.filter(|store| store.holds(path))
    }

    /// Decodes a file in memory.
    ///
    /// # Errors
    /// As [`Reader::open`].
    ///
    /// ```
    /// let file = b"P6 1 1 255 abc";
    /// let refused = active_index_image_file::Reader::default().decode(file).unwrap_err();
    /// assert_eq!(refused.to_string(), "is in PPM format, which is not supported");
    /// ```
    pub fn decode(&self, bytes: &[u8]) -> Result<Picture> {
        self.decode_until(bytes, Deadline::starting_now(self.limits.max_seconds))
    }

    /// Reads a regular file; pipes and devices, which may never end, are refused.
    fn read_bytes(&self, path: &Path, deadline: Deadline) -> Result<Vec<u8>> {
        let about = path.metadata().map_err(|error| dangling(path, error))?;
        if !about.is_file() {
            return Err(Error::NoRegularFile);
        }
        let limit = self.limits.max_file_bytes;
        let refuse = |bytes| Err(Error::TooManyBytes { bytes, limit });
        if about.len() > limit {
            return refuse(about.len());
        }
        let (mut file, mut bytes) = (File::open(path)?, Vec::with_capacity(about.len() as usize));
        while file.by_ref().take(CHUNK).read_to_end(&mut bytes)? > 0 {
            deadline.check()?;
            if bytes.len() as u64 > limit {
                return refuse(bytes.len() as u64);
            }
        }
        Ok(bytes)
    }

    fn decode_until(&self, bytes: &[u8], deadline: Deadline) -> Result<Picture> {
        let format = Format::of(bytes)?;
        guarded(format, || self.decode_as(format, bytes, deadline))
    }

    fn decode_as(&self, format: Format, bytes: &[u8], deadline: Deadline) -> Result<Picture> {
        // After the deadline decoders run out of bytes, so their errors mean nothing.
        let stored = self.decode_format(format, bytes, deadline);
        deadline.check()?;
        let picture = self.picture(format, stored?, deadline)?;
        deadline.check()?;
        Ok(picture)
    }

    fn decode_format(&self, format: Format, bytes: &[u8], deadline: Deadline) -> Result<Stored> {
        match format {
            Format::Jpeg => jpeg::decode(bytes, &self.limits, deadline),
            Format::Tiff => tiff::decode(bytes, &self.limits, deadline),
            #[cfg(feature = "jxl")]
            Format::JpegXl => jpeg_xl::decode(bytes, &self.limits, deadline),
            #[cfg(feature = "heic")]
            Format::Heic => heic::decode(bytes, &self.limits),
            #[cfg(not(feature = "jxl"))]
            Format::JpegXl => {
                Err(Error::UnsupportedFormat { name: "JPEG XL", hint: " by this build (feature jxl)" })
            }
            #[cfg(not(feature = "heic"))]
            Format::Heic => {
                Err(Error::UnsupportedFormat { name: "HEIC", hint: " by this build (feature heic)" })
            }
            _ => image_crate::decode(format, bytes, &self.limits, deadline),
        }
    }

    /// Converts to sRGB, turns upright, and shows transparent parts on the background.
    fn picture(&self, format: Format, stored: Stored, deadline: Deadline) -> Result<Picture> {
        let Stored { pixels, orientation, metadata, mut notes } = stored;
        let Metadata { icc, exif, xmp } = metadata;
        let Converted { mut image, profile, note } = to_srgb(pixels, icc, deadline)?;
        image.apply_orientation(orientation);
        notes.extend(note);
        let had_exif = exif.is_some();
        let exif = exif.and_then(readable_exif).map(|exif| baked_exif(exif, orientation));
        if had_exif && exif.is_none() {
            notes.push("the EXIF data is ignored: it has no readable directory".to_owned());
        }
        let metadata = Metadata { icc: profile, exif, xmp: xmp.map(|xmp| baked_xmp(&xmp)) };
        let (pixels, transparency) = shown(image, self.background);
        Ok(Picture { pixels, transparency, metadata, format, notes })
    }
}

/// Names the target of a link if that is what does not exist.
fn dangling(path: &Path, error: io::Error) -> Error {
    match path.read_link() {
        Ok(target) if error.kind() == io::ErrorKind::NotFound => {
            Error::DanglingLink { target: target.display().to_string() }
        }
        _ => error.into(),
    }
}

/// Returns RGB unchanged and RGBA on a background. Opaque RGBA counts as RGB.
fn shown(image: DynamicImage, background: [u8; 3]) -> (Pixels, Option<Transparency>) {
    match image {
        DynamicImage::ImageRgb8(image) => (Pixels::Eight(image), None),
        DynamicImage::ImageRgb16(image) => (Pixels::Sixteen(image), None),
        DynamicImage::ImageRgba16(image) if image.pixels().all(|pixel| pixel[3] == u16::MAX) => {
            (Pixels::Sixteen(DynamicImage::ImageRgba16(image).into_rgb16()), None)
        }
        DynamicImage::ImageRgba8(image) if image.pixels().all(|pixel| pixel[3] == u8::MAX) => {
            (Pixels::Eight(DynamicImage::ImageRgba8(image).into_rgb8()), None)
        }
        straight => {
            let transparency = Transparency { straight, background };
            (transparency.shown(), Some(transparency))
        }
    }
}
