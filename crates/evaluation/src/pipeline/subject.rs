//! Images to evaluate: originals beside their released versions.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use image::RgbImage;
use image_file::{Encoding, Reader};
use rand::{SeedableRng, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    error::{Error, Result},
    events::Events,
};

/// Pixels of an image.
#[derive(Clone, Debug)]
pub enum Source {
    /// An image file.
    File(PathBuf),
    /// An image in memory.
    Memory(Arc<RgbImage>),
}

impl Source {
    /// Returns the pixels.
    ///
    /// # Errors
    /// [`Error::Image`].
    pub fn read(&self, reader: &Reader) -> Result<Cow<'_, RgbImage>> {
        Ok(match self {
            Self::File(path) => Cow::Owned(reader.open(path)?.pixels.into_rgb8()),
            Self::Memory(image) => Cow::Borrowed(image),
        })
    }

    /// Returns the path of a file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }
}

/// An image to edit.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Name in reports and in the names of an index's entries: the path as the caller spelled it.
    pub name: String,
    /// The original.
    pub original: Source,
    /// Released version of the original, if it is compared.
    pub released: Option<Source>,
}

impl Subject {
    /// Creates a subject of an image file, without a released version.
    pub fn of_file(path: PathBuf) -> Self {
        Self { name: path.display().to_string(), original: Source::File(path), released: None }
    }
}

/// An original in a file.
#[derive(Clone, Debug)]
pub struct OriginalFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Path below the folder that was searched; the released version has the same one.
    pub name: PathBuf,
}

/// Draws `n` items by the seed, and sorts them.
pub fn sample<T: Ord>(items: Vec<T>, n: usize, seed: u64) -> Vec<T> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = items.into_iter().sample(&mut rng, n);
    drawn.sort();
    drawn
}

/// Pairs originals with their released versions below `folder`. Originals without one are reported as
/// [`Events::failed`] and left out, silently if `skips_missing`.
///
/// # Errors
/// [`Error::NothingReleased`] if no original has a released version.
pub fn pair(
    originals: Vec<OriginalFile>,
    folder: &Path,
    skips_missing: bool,
    events: &dyn Events,
) -> Result<Vec<Subject>> {
    let released: Vec<Option<PathBuf>> =
        originals.iter().map(|original| released_file(folder, original)).collect();
    if released.iter().all(Option::is_none) {
        let example = originals.first().map(|original| original.name.clone()).unwrap_or_default();
        return Err(Error::NothingReleased {
            originals: originals.len(),
            folder: folder.to_owned(),
            example: example.with_extension(Encoding::Png.ending()),
        });
    }
    let mut subjects = Vec::with_capacity(originals.len());
    let mut taken = HashMap::<PathBuf, PathBuf>::new();
    for (original, released) in originals.into_iter().zip(released) {
        if released.is_none() && skips_missing {
            continue;
        }
        let subject = Subject::of_file(original.path.clone());
        match claim(&mut taken, original.path, released, folder) {
            Ok(released) => subjects.push(Subject { released: Some(Source::File(released)), ..subject }),
            Err(error) => events.failed(&subject.name, error),
        }
    }
    Ok(subjects)
}

/// Returns the released versions in place of their originals.
pub(crate) fn released(subjects: &[Subject]) -> Vec<Subject> {
    let alone = |subject: &Subject| {
        let source = subject.released.as_ref().unwrap_or(&subject.original).clone();
        let name = source.path().map_or(subject.name.clone(), |path| path.display().to_string());
        Subject { name, original: source, released: None }
    };
    subjects.iter().map(alone).collect()
}

/// Assigns a released file to one original.
fn claim(
    taken: &mut HashMap<PathBuf, PathBuf>,
    original: PathBuf,
    released: Option<PathBuf>,
    folder: &Path,
) -> Result<PathBuf> {
    let released = released.ok_or_else(|| Error::NotReleased { folder: folder.to_owned() })?;
    match taken.insert(released.clone(), original) {
        Some(other) => Err(Error::ReleasedTwice { released, other }),
        None => Ok(released),
    }
}

/// Returns the released version of an original: the file of its name below `folder`, of any ending that is written.
fn released_file(folder: &Path, original: &OriginalFile) -> Option<PathBuf> {
    let jpeg = Encoding::Jpeg { quality: 100, full_chroma: true };
    let endings = [Encoding::Png, jpeg, Encoding::WebP].map(Encoding::ending);
    let mut candidates = endings.iter().map(|ending| folder.join(original.name.with_extension(ending)));
    candidates.find(|path| path.is_file())
}
