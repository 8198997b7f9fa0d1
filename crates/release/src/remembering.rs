//! Collection as the destination of released files.
//!
//! A file is written aside, then its entry is committed, then the file is renamed to its path: a released file exists only if
//! its entry does. An entry whose file did not get to its path is pending, and released again by the next run. A file that goes to
//! a store is kept in memory until its entry is committed, and then put.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use atomic_file::PreparedFile;
use collection::{Collection, Digest, Entry, NewEntry, Stored};
use device_math::transfer::upload_rows;
use image_file::{Store, path_text};
use witness::Kind;

use crate::{
    destination::{Destination, Examined, ReleasedFile, Taken, make_folder_of},
    error::{Error, Result},
};

/// Destination that remembers released files in a collection, and writes them.
pub struct Remembering<'a> {
    collection: &'a Collection,
    witnesses: Kind,
    store: Option<&'a dyn Store>,
}

/// Returns the kind of the witnesses that a collection keeps.
///
/// # Errors
/// [`Error::WitnessKind`]
pub fn witness_kind(collection: &Collection) -> Result<Kind> {
    let description = collection.description();
    let kind = description.witness_kind.as_deref().map_or(Ok(Kind::None), str::parse);
    kind.map_err(|source| Error::WitnessKind { collection: description.location.clone(), source })
}

impl<'a> Remembering<'a> {
    /// Creates a destination for any number of runs.
    ///
    /// # Errors
    /// If the collection keeps witnesses of a kind that this version does not know.
    pub fn new(collection: &'a Collection) -> Result<Self> {
        Ok(Self { collection, witnesses: witness_kind(collection)?, store: None })
    }

    /// Adds the store of released files whose paths are its addresses.
    pub fn with_store(self, store: &'a dyn Store) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Commits the entries of files that lie beside their paths, then puts the files there.
    fn commit(&self, prepared: Vec<Prepared<'_>>) -> Vec<Result<Taken>> {
        if prepared.is_empty() {
            return Vec::new();
        }
        let descriptors: Vec<&[f32]> =
            prepared.iter().map(|file| file.released.descriptor.as_slice()).collect();
        let descriptors = upload_rows(descriptors, &self.collection.quantiser().device());
        let entries: Vec<NewEntry> = prepared.iter().map(Prepared::entry).collect();
        let stored = match self.collection.store(&entries, descriptors).map_err(Arc::new) {
            Ok(stored) => stored,
            Err(error) => return prepared.iter().map(|_| Err(Error::Collection(error.clone()))).collect(),
        };
        let published: Vec<Result<Taken>> = prepared.into_iter().zip(stored).map(publish).collect();
        let ids: Vec<i64> = published.iter().flatten().filter_map(Taken::id).collect();
        match self.collection.mark_written(&ids).map_err(Arc::new) {
            Ok(()) => published,
            Err(error) => {
                let failed = |taken: Result<Taken>| taken.and(Err(Error::Collection(error.clone())));
                published.into_iter().map(failed).collect()
            }
        }
    }
}

impl Taken {
    /// Returns the id of an entry whose file is at its path.
    fn id(&self) -> Option<i64> {
        match self {
            Self::Written(id) => *id,
            Self::Known(_) => None,
        }
    }
}

/// Released file that is not at its path yet.
struct Prepared<'a> {
    released: ReleasedFile<'a>,
    file: Aside<'a>,
    /// Absolute path of the released file, or its address.
    path: PathBuf,
}

/// Place of a released file until its entry is committed.
enum Aside<'a> {
    /// The disk, beside its path.
    Disk(PreparedFile),
    /// Memory; the store takes it whole.
    Memory(&'a dyn Store),
}

impl<'a> Prepared<'a> {
    /// Writes a file aside, unless it goes to the store.
    fn write(released: ReleasedFile<'a>, store: Option<&'a dyn Store>) -> Result<Self> {
        let path = &released.job.output;
        if let Some(store) = store.filter(|store| store.holds(path)) {
            let path = path.clone();
            return Ok(Self { released, file: Aside::Memory(store), path });
        }
        let write = || {
            make_folder_of(path)?;
            let file = PreparedFile::write(path, |out| out.write_all(&released.bytes))?;
            Ok::<_, io::Error>((file, std::path::absolute(path)?))
        };
        let (file, path) = write().map_err(unwritten(path))?;
        Ok(Self { released, file: Aside::Disk(file), path })
    }

    fn entry(&self) -> NewEntry {
        let ReleasedFile { job, digest, witness, .. } = &self.released;
        NewEntry {
            file: Some(path_text(&self.path)),
            pending: true,
            meta: job.meta.clone(),
            witness: witness.clone(),
            ..NewEntry::added(path_text(&job.name), digest.clone())
        }
    }
}

/// Puts a file at its path, unless its original is known already.
fn publish((Prepared { released, file, path }, stored): (Prepared<'_>, Stored)) -> Result<Taken> {
    let id = match stored {
        Stored::Known(entry) => return Ok(Taken::Known(Box::new(entry))),
        Stored::New(id) | Stored::Completed(id) => id,
    };
    let published = match file {
        Aside::Disk(file) => file.publish(),
        Aside::Memory(store) => store.write(&path, released.bytes).map_err(io::Error::other),
    };
    published.map_err(unwritten(&path))?;
    Ok(Taken::Written(Some(id)))
}

/// Returns a function that adds the path of a released file to an I/O error.
fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::Write { path: path.to_owned(), source }
}

impl Destination for Remembering<'_> {
    fn witness_kind(&self) -> Kind {
        self.witnesses
    }

    fn examine(&self, original: &[u8]) -> Result<Examined> {
        let digest = Digest::of_file(original);
        Ok(match self.collection.completed(&digest)? {
            Some(entry) => Examined::Known(Box::new(entry)),
            None => Examined::New(Some(digest)),
        })
    }

    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        let (mut prepared, mut order) = (Vec::new(), Vec::new());
        for file in released {
            order.push(Prepared::write(file, self.store).map(|file| prepared.push(file)));
        }
        let mut taken = self.commit(prepared).into_iter();
        let next = |prepared: Result<()>| prepared.and_then(|()| taken.next().ok_or(Error::NotTaken)?);
        order.into_iter().map(next).collect()
    }

    fn entry_of(&self, original: &Digest) -> Result<Entry> {
        self.collection.completed(original)?.ok_or(Error::FirstFailed)
    }
}
