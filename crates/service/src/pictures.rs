//! Pictures of entries, and their files for pages.

use collection::{Collection, Entry};
use image::{RgbImage, codecs::jpeg::JpegEncoder};
use image_file::{Pixels, Reader, path_of_text};
use witness::Witness;

use crate::problem::Problem;

/// Picture of an entry, of at most `longest` pixels a side: its released file, else what its witness keeps of it. Returns
/// `None` if neither can be read.
///
/// # Errors
/// If the collection cannot be read.
pub fn of_entry(
    collection: &Collection,
    reader: Reader,
    entry: &Entry,
    longest: u32,
) -> Result<Option<RgbImage>, Problem> {
    let file = entry.file.as_deref().and_then(|file| reader.open(&path_of_text(file)).ok());
    if let Some(picture) = file {
        return Ok(Some(picture.pixels.into_reduced(longest)));
    }
    let bytes = collection.witnesses(&[entry.id])?.pop().flatten();
    let witness = bytes.and_then(|bytes| Witness::from_bytes(&bytes).ok());
    Ok(witness.map(|witness| Pixels::Eight(witness.thumbnail()).into_reduced(longest)))
}

/// JPEG file of a picture.
///
/// # Errors
/// If it has no pixels.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    picture.write_with_encoder(encoder).map_err(Problem::internal)?;
    Ok(bytes)
}
