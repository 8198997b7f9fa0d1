//! Pictures of entries, and their files for pages.

use collection::{Collection, Entry};
use image::{RgbImage, codecs::jpeg::JpegEncoder};
use image_file::{Pixels, Reader, path_of_text};
use witness::Witness;

use crate::problem::Problem;

/// Picture of an entry.
pub struct EntryPicture {
    pub pixels: RgbImage,
    /// True if it is what the entry's witness keeps, and not its released file.
    pub is_witness: bool,
}

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
) -> Result<Option<EntryPicture>, Problem> {
    let reduced =
        |pixels: Pixels, is_witness| EntryPicture { pixels: pixels.into_reduced(longest), is_witness };
    let file = entry.file.as_deref().and_then(|file| reader.open(&path_of_text(file)).ok());
    if let Some(picture) = file {
        return Ok(Some(reduced(picture.pixels, false)));
    }
    let bytes = collection.witnesses(&[entry.id])?.pop().flatten();
    let witness = bytes.and_then(|bytes| Witness::from_bytes(&bytes).ok());
    Ok(witness.map(|witness| reduced(Pixels::Eight(witness.thumbnail()), true)))
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
