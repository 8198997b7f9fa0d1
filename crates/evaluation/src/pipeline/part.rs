//! Parts of the work on an image, and their preparation for the network.

use describe::{Input, Prepared, network_input};
use extractor::Extractor;
use image::RgbImage;
use image_file::{Pixels, Reader, path_text};
use looks::Look;
use release::quality::{self, Quality};

use super::{
    keys::{Key, Keys},
    known_descriptors::Known,
    subject::{Source, Subject},
};
use crate::{
    edits::Edit,
    error::{Error, Result},
};

/// Edits in a part: its image is read once for them. With the released version they fill two batches of the CPU.
const EDITS: usize = 8;

/// Some edits of one image.
pub(super) struct Part<'a> {
    pub subject: &'a Subject,
    /// Number of the subject; the seed of its edits counts on from it.
    pub number: usize,
    /// Place of the first of these edits among all edits.
    pub first: usize,
    pub edits: &'a [Edit],
}

impl<'a> Part<'a> {
    /// Splits the edits of one image into parts.
    pub fn split(subject: &'a Subject, number: usize, edits: &'a [Edit]) -> impl Iterator<Item = Self> {
        let parts = edits.chunks(EDITS).enumerate();
        parts.map(move |(part, edits)| Self { subject, number, first: part * EDITS, edits })
    }

    /// Returns the number of copies: one of the original, and one of the released version, for each edit.
    pub fn copies(&self) -> usize {
        self.edits.len() * if self.subject.released.is_some() { 2 } else { 1 }
    }
}

/// Companion of the descriptors of a part.
pub(super) struct Edited {
    /// Keys of all descriptors.
    pub keys: Vec<Key>,
    /// Number of views of each copy: those of the original, then those of the released version.
    pub views: Vec<usize>,
    /// Quality of the released version; only with the first part of an image.
    pub quality: Option<Quality>,
}

/// Reads and edits images. It is shared by the threads that read ahead.
pub(super) struct Editor<'a> {
    pub extractor: &'a Extractor,
    pub reader: Reader,
    pub keys: Keys,
    pub known: &'a Known,
    pub seed: u64,
    /// Largest number of views of a copy.
    pub looks: usize,
}

/// Views of a copy, the whole copy first, as inputs of the network with their keys.
type Views = Vec<(Key, Input)>;

impl Editor<'_> {
    /// Prepares the copies of a part: those of the original, then those of the released version.
    pub fn prepare(&self, part: &Part<'_>) -> Result<Prepared<Edited>> {
        let original = part.subject.original.read(&self.reader)?;
        let mut copies = self.copies(part, &original)?;
        let mut quality = None;
        if let Some(source) = &part.subject.released {
            let named = |error: Error| match source.path() {
                Some(path) => Error::InFile { path: path.to_owned(), source: Box::new(error) },
                None => error,
            };
            let released = source.read(&self.reader).map_err(named)?;
            check_size(&original, &released, source)?;
            copies.extend(self.copies(part, &released).map_err(named)?);
            quality = (part.first == 0).then(|| quality::measure(&original, &released)).transpose()?;
        }
        let views = copies.iter().map(Vec::len).collect();
        let (keys, inputs) = copies.into_iter().flatten().unzip();
        Ok(Prepared { note: Edited { keys, views, quality }, inputs })
    }

    /// Returns the views of each copy of an image.
    fn copies(&self, part: &Part<'_>, image: &RgbImage) -> Result<Vec<Views>> {
        let seed = self.seed.wrapping_add(part.number as u64);
        let keys = self.keys.of_image(image);
        let copy = |edit: &Edit| {
            let key = keys.of_edit(edit, seed);
            if let (1, Some(descriptor)) = (self.looks, self.known.get(&key)) {
                return Ok(vec![(key, Input::Known(descriptor.clone()))]);
            }
            let named = |error| Error::Edit { edit: edit.to_string(), source: Box::new(error) };
            let edited = edit.apply(image, seed).map_err(named)?;
            if self.looks == 1 {
                return Ok(vec![(key, self.input(&key, edited)?)]);
            }
            let view = |look: Look| {
                let key = if look.is_whole() { key } else { keys.of_look(edit, seed, &look) };
                Ok((key, self.input(&key, look.apply(&edited))?))
            };
            looks::plan(&edited, self.looks).into_iter().map(view).collect()
        };
        part.edits.iter().map(copy).collect()
    }

    fn input(&self, key: &Key, view: RgbImage) -> Result<Input> {
        match self.known.get(key) {
            Some(descriptor) => Ok(Input::Known(descriptor.clone())),
            None => Ok(Input::Image(network_input(self.extractor, &Pixels::Eight(view))?)),
        }
    }
}

/// Refuses a released version of another size than its original.
fn check_size(original: &RgbImage, released: &RgbImage, source: &Source) -> Result<()> {
    let (original, released) = (original.dimensions(), released.dimensions());
    if original == released {
        return Ok(());
    }
    let name = source.path().map_or_else(|| "the released image".to_owned(), path_text);
    Err(Error::ReleasedSize { original, released, name })
}
