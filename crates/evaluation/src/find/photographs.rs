//! Photographs to look up: images of a collection with their entries, and unrelated ones.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use collection::{Collection, Digest, State};

use crate::{
    copy_detection::{isc::GroundTruth, stem},
    error::{Error, Result},
    events::Events,
    pipeline::{Source, Subject},
};

/// A photograph whose edited copies are looked up.
#[derive(Clone, Debug)]
pub struct Photograph {
    /// Name in reports.
    pub name: String,
    /// The picture that is edited.
    pub source: Source,
    /// Entries that show it; empty for an unrelated photograph.
    pub right: Vec<i64>,
    /// Entries that show a relative: another frame of a series, the same scene.
    pub related: HashSet<i64>,
}

/// Photographs of a collection, then unrelated ones.
#[derive(Clone, Debug, Default)]
pub struct Photographs {
    /// All photographs.
    pub all: Vec<Photograph>,
    /// Number of images that were to be photographs.
    pub planned: usize,
}

/// Entries that show relatives of pictures, by the picture's file name without its ending.
#[derive(Clone, Debug, Default)]
pub struct Related(HashMap<String, HashSet<i64>>);

impl Related {
    /// Finds the entries of a table of pictures and entries, which are named by their names or ids.
    ///
    /// # Errors
    /// [`Error::Collection`] for an entry that does not exist, or a name that several have.
    pub fn new(table: &GroundTruth, collection: &Collection) -> Result<Self> {
        let ids = |names: &std::collections::BTreeSet<String>| -> Result<HashSet<i64>> {
            names.iter().map(|name| Ok(collection.id_of(name)?)).collect()
        };
        let pairs = table.matches.iter().map(|(picture, names)| Ok((picture.clone(), ids(names)?)));
        pairs.collect::<Result<_>>().map(Self)
    }

    fn of(&self, name: &str) -> HashSet<i64> {
        self.0.get(&stem(name)).cloned().unwrap_or_default()
    }
}

impl Photographs {
    /// Finds the entries of images: those of the files' bytes, of the original or of its released version, or of the name. The
    /// released version is edited if there is one. Images without a live entry are reported and left out.
    ///
    /// # Errors
    /// [`Error::Collection`], [`Error::UnrelatedIsEntry`].
    pub fn new(
        collection: &Collection,
        images: &[Subject],
        unrelated: &[PathBuf],
        related: &Related,
        events: &dyn Events,
    ) -> Result<Self> {
        let mut all = Vec::with_capacity(images.len() + unrelated.len());
        for image in images {
            match right(collection, image) {
                Ok(right) => all.push(Photograph {
                    name: image.name.clone(),
                    source: image.released.as_ref().unwrap_or(&image.original).clone(),
                    right,
                    related: related.of(&image.name),
                }),
                Err(error @ (Error::NoEntry { .. } | Error::File { .. })) => {
                    events.failed(&image.name, error);
                }
                Err(error) => return Err(error),
            }
        }
        for path in unrelated {
            let Subject { name, original, .. } = Subject::of_file(path.clone());
            match entries_of(collection, path) {
                Ok(ids) if ids.is_empty() => {
                    let related = related.of(&name);
                    all.push(Photograph { name, source: original, right: Vec::new(), related });
                }
                Ok(ids) => return Err(Error::UnrelatedIsEntry { path: path.clone(), id: ids[0] }),
                Err(error @ Error::File { .. }) => events.failed(&name, error),
                Err(error) => return Err(error),
            }
        }
        Ok(Self { all, planned: images.len() + unrelated.len() })
    }
}

/// Returns the live entries that show an image.
fn right(collection: &Collection, image: &Subject) -> Result<Vec<i64>> {
    let paths = [Some(&image.original), image.released.as_ref()].into_iter().flatten();
    let mut ids = Vec::new();
    for path in paths.filter_map(Source::path) {
        ids.extend(entries_of(collection, path)?);
    }
    if ids.is_empty() {
        ids.extend(named(collection, &image.name)?);
    }
    ids.sort_unstable();
    ids.dedup();
    let location = &collection.description().location;
    if ids.is_empty() { Err(Error::NoEntry { collection: location.clone() }) } else { Ok(ids) }
}

/// Returns the live entry that was made from a file.
fn entries_of(collection: &Collection, path: &Path) -> Result<Vec<i64>> {
    let bytes = fs::read(path).map_err(|source: io::Error| Error::File { path: path.to_owned(), source })?;
    let known = collection.known(&[Digest::of_file(&bytes)])?;
    let live = known.into_iter().flatten().filter(|entry| entry.state == State::Live);
    Ok(live.map(|entry| entry.id).collect())
}

/// Returns the live entry of a name, if one has it.
fn named(collection: &Collection, name: &str) -> Result<Option<i64>> {
    let id = match collection.id_of(name) {
        Ok(id) => id,
        Err(collection::Error::UnknownEntry(_) | collection::Error::AmbiguousName { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let entry = collection.entry(id)?;
    Ok(entry.filter(|entry| entry.name == name && entry.state == State::Live).map(|entry| entry.id))
}
