//! Descriptors of one image, put together from its parts.

use describe::Described;

use super::{
    keys::Key,
    part::{Edited, Part},
};
use crate::{
    error::{Error, Result},
    quality::Quality,
};

/// Descriptors of one image.
#[derive(Debug, Default)]
pub(crate) struct ImageDescriptors {
    /// Number of the subject.
    pub number: usize,
    /// Copies of the original, `[edits][d]`.
    pub passive: Vec<Vec<f32>>,
    /// Copies of the released version, `[edits][d]`.
    pub released: Option<Vec<Vec<f32>>>,
    /// Quality of the released version.
    pub quality: Option<Quality>,
    /// Keys of `passive`.
    pub keys: Vec<Key>,
}

/// The image whose parts are arriving. Parts arrive in order, one image after the other.
pub(super) struct Assembly {
    /// Edits of every image.
    edits: usize,
    image: ImageDescriptors,
    /// Edits of the image that have arrived, or failed.
    arrived: usize,
    has_failed: bool,
}

impl Assembly {
    pub fn new(edits: usize) -> Self {
        Self { edits, image: ImageDescriptors::default(), arrived: 0, has_failed: false }
    }

    /// Adds a part, or its failure. Returns the first failure of an image.
    pub fn add(&mut self, part: &Part<'_>, described: Result<Described<Edited>>) -> Option<Error> {
        if part.first == 0 {
            let released = part.subject.released.as_ref().map(|_| Vec::new());
            let image = ImageDescriptors { number: part.number, released, ..ImageDescriptors::default() };
            *self = Self { image, ..Self::new(self.edits) };
        }
        self.arrived += part.edits.len();
        match described {
            Ok(described) => {
                self.image.extend(part.edits.len(), described);
                None
            }
            Err(error) => (!std::mem::replace(&mut self.has_failed, true)).then_some(error),
        }
    }

    /// Returns the image once all its parts have arrived, unless one of them failed.
    pub fn finished(&mut self) -> Option<ImageDescriptors> {
        (self.arrived == self.edits && !self.has_failed).then(|| std::mem::take(&mut self.image))
    }
}

impl ImageDescriptors {
    fn extend(&mut self, edits: usize, described: Described<Edited>) {
        let Described { note: Edited { keys, quality }, mut descriptors } = described;
        let released = descriptors.split_off(edits);
        self.passive.extend(descriptors);
        if let Some(all) = &mut self.released {
            all.extend(released);
        }
        self.quality = self.quality.or(quality);
        self.keys.extend(keys.into_iter().take(edits));
    }
}
