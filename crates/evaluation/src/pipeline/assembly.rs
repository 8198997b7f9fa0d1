//! Descriptors of one image, put together from its parts.

use describe::Described;
use release::quality::Quality;

use super::{
    keys::Key,
    part::{Edited, Part},
};
use crate::error::{Error, Result};

/// Descriptors of one image.
#[derive(Debug, Default)]
pub(crate) struct ImageDescriptors {
    /// Number of the subject.
    pub number: usize,
    /// Copies of the original, `[edits]`.
    pub passive: Vec<CopyDescriptors>,
    /// Copies of the released version, `[edits]`.
    pub released: Option<Vec<CopyDescriptors>>,
    /// Quality of the released version.
    pub quality: Option<Quality>,
    /// Keys of the first views of `passive`.
    pub keys: Vec<Key>,
}

/// Descriptors of one copy, `[views][d]`: of the whole copy, then of further views of it.
pub(crate) type CopyDescriptors = Vec<Vec<f32>>;

/// Returns the descriptors of whole copies, `[copies][d]`.
pub(crate) fn of_whole(copies: Vec<CopyDescriptors>) -> Vec<Vec<f32>> {
    copies.into_iter().filter_map(|views| views.into_iter().next()).collect()
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
        let Described { note: Edited { keys, views, quality }, descriptors } = described;
        let (mut keys, mut descriptors) = (keys.into_iter(), descriptors.into_iter());
        for (copy, count) in views.into_iter().enumerate() {
            let key = keys.by_ref().take(count).next();
            let views = descriptors.by_ref().take(count).collect();
            if copy < edits {
                self.keys.extend(key);
                self.passive.push(views);
            } else if let Some(all) = &mut self.released {
                all.push(views);
            }
        }
        self.quality = self.quality.or(quality);
    }
}
