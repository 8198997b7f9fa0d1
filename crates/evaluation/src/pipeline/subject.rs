//! Images to evaluate: originals beside their released versions.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use image::RgbImage;
use image_file::{Encoding, Reader, path_text};
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
    /// Name in reports and in the names of an index's entries: the path as the caller spelled it, by [`path_text`].
    pub name: String,
    /// The original.
    pub original: Source,
    /// Released version of the original, if it is compared.
    pub released: Option<Source>,
}

impl Subject {
    /// Creates a subject of an image file, without a released version.
    pub fn of_file(path: PathBuf) -> Self {
        Self { name: path_text(&path), original: Source::File(path), released: None }
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
/// [`Events::failed`] and left out. So are originals that share one, because it may be of any of them.
///
/// `has_activated` tells that the originals were activated just now, by which failures were reported, and of those that share
/// a released version only the first was released.
///
/// # Errors
/// [`Error::NothingReleased`] if no original has a released version.
pub fn pair(
    originals: Vec<OriginalFile>,
    folder: &Path,
    has_activated: bool,
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
    let claims = Claims::new(&originals, &released);
    for (original, released) in originals.iter().zip(&released) {
        let Some(released) = released else {
            if !has_activated {
                let error = Error::NotReleased { folder: folder.to_owned() };
                events.failed(&path_text(&original.path), error);
            }
            continue;
        };
        let subject = Subject::of_file(original.path.clone());
        match claims.other(released, &original.path, has_activated) {
            None => subjects.push(Subject { released: Some(Source::File(released.clone())), ..subject }),
            Some(other) => {
                let error = Error::ReleasedTwice { released: released.clone(), other: other.to_owned() };
                events.failed(&subject.name, error);
            }
        }
    }
    Ok(subjects)
}

/// Returns the released versions in place of their originals.
pub(crate) fn released(subjects: &[Subject]) -> Vec<Subject> {
    let alone = |subject: &Subject| {
        let source = subject.released.as_ref().unwrap_or(&subject.original).clone();
        let name = source.path().map_or(subject.name.clone(), path_text);
        Subject { name, original: source, released: None }
    };
    subjects.iter().map(alone).collect()
}

/// Originals of each released file, in order.
struct Claims<'a>(HashMap<&'a Path, Vec<&'a Path>>);

impl<'a> Claims<'a> {
    fn new(originals: &'a [OriginalFile], released: &'a [Option<PathBuf>]) -> Self {
        let mut claims = HashMap::<_, Vec<_>>::new();
        for (original, released) in originals.iter().zip(released) {
            let Some(released) = released else { continue };
            claims.entry(released.as_path()).or_default().push(original.path.as_path());
        }
        Self(claims)
    }

    /// Returns another original that the released file may be of; none for the first one if that is the only one released.
    fn other(&self, released: &Path, original: &Path, is_of_first: bool) -> Option<&'a Path> {
        let all = self.0.get(released)?;
        let is_first = all.first() == Some(&original);
        let mut others = all.iter().filter(|path| **path != original);
        if is_of_first && is_first { None } else { others.next().copied() }
    }
}

/// Returns the released version of an original: the file of its name below `folder`, of any ending that is written.
fn released_file(folder: &Path, original: &OriginalFile) -> Option<PathBuf> {
    let jpeg = Encoding::Jpeg { quality: 100, full_chroma: true };
    let endings = [Encoding::Png, jpeg, Encoding::WebP].map(Encoding::ending);
    let mut candidates = endings.iter().map(|ending| folder.join(original.name.with_extension(ending)));
    candidates.find(|path| path.is_file())
}
