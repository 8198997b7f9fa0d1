//! Collection as the destination of released files.
//!
//! A file is written aside, then its entry is committed, then the file is renamed to its path: a released file exists only if
//! its entry does. An entry whose file did not get to its path is pending, and released again by the next run.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use atomic_file::PreparedFile;
use burn::tensor::Device;
use collection::{Collection, Digest, Entry, NewEntry, Stored};
use device_math::transfer::upload_rows;
use image_file::path_text;
use witness::Kind;

use crate::{
    inputs::{self, meta::MetaFields},
    release::{Destination, Examined, ReleasedFile, Taken},
    session::{interrupt, output::one_line, whole_file::make_folder_of},
};

/// Remembers released files in a collection, and writes them.
pub struct Remembering<'a> {
    collection: &'a Collection,
    fields: &'a MetaFields,
    device: &'a Device,
    witnesses: Kind,
    /// Originals that this run has begun to release.
    begun: Mutex<HashSet<Digest>>,
}

impl<'a> Remembering<'a> {
    /// # Errors
    /// If the collection keeps witnesses of a kind that this version does not know.
    pub fn new(collection: &'a Collection, fields: &'a MetaFields, device: &'a Device) -> Result<Self> {
        let witnesses = inputs::collection::witness_kind(collection)?;
        Ok(Self { collection, fields, device, witnesses, begun: Mutex::default() })
    }

    /// Commits the entries of files that lie beside their paths, then puts the files there.
    fn commit(&self, prepared: Vec<Prepared<'_>>) -> Vec<Result<Taken>> {
        let descriptors: Vec<Vec<f32>> =
            prepared.iter().map(|file| file.released.descriptor.clone()).collect();
        let entries: Vec<NewEntry> = prepared.iter().map(|file| self.entry(file)).collect();
        let stored = match self.collection.store(&entries, upload_rows(&descriptors, self.device)) {
            Ok(stored) => stored,
            Err(error) => {
                let line = one_line(&error.into());
                return prepared.iter().map(|_| Err(anyhow!(line.clone()))).collect();
            }
        };
        let published: Vec<Result<Taken>> = prepared.into_iter().zip(stored).map(publish).collect();
        let ids: Vec<i64> = published.iter().flatten().filter_map(Taken::id).collect();
        match self.collection.mark_written(&ids) {
            Ok(()) => published,
            Err(error) => {
                let line = one_line(&error.into());
                published.into_iter().map(|taken| taken.and(Err(anyhow!(line.clone())))).collect()
            }
        }
    }

    fn entry(&self, file: &Prepared) -> NewEntry {
        let job = file.released.job;
        NewEntry {
            file: Some(path_text(&file.path)),
            pending: true,
            meta: self.fields.of(&job.name),
            witness: file.released.witness.clone(),
            ..NewEntry::added(path_text(&job.name), file.released.digest.clone())
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

/// Released file that is on the disk, but not at its path.
struct Prepared<'a> {
    released: ReleasedFile<'a>,
    file: PreparedFile,
    /// Absolute path of the released file.
    path: PathBuf,
}

/// Writes a file aside.
fn prepare(released: ReleasedFile<'_>) -> Result<Prepared<'_>> {
    let path = &released.job.output;
    let write = || {
        make_folder_of(path)?;
        let file = PreparedFile::write(path, |out| out.write_all(&released.bytes))?;
        Ok::<_, std::io::Error>((file, std::path::absolute(path)?))
    };
    let (file, path) = write().with_context(|| format!("cannot write {}", path_text(path)))?;
    Ok(Prepared { released, file, path })
}

/// Puts a file at its path, unless its original is known already.
fn publish((prepared, stored): (Prepared<'_>, Stored)) -> Result<Taken> {
    let id = match stored {
        Stored::Known(entry) => return Ok(Taken::Known(Box::new(entry))),
        Stored::New(id) | Stored::Completed(id) => id,
    };
    let path = prepared.path;
    prepared.file.publish().with_context(|| format!("cannot write {}", path_text(&path)))?;
    Ok(Taken::Written(Some(id)))
}

impl Destination for Remembering<'_> {
    fn witness_kind(&self) -> Kind {
        self.witnesses
    }

    fn examine(&self, original: &[u8]) -> Result<Examined> {
        let digest = Digest::of_file(original);
        if let Some(entry) = self.collection.completed(&digest)? {
            return Ok(Examined::Known(Box::new(entry)));
        }
        let is_first = self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone());
        Ok(if is_first { Examined::New(Some(digest)) } else { Examined::Repeated(digest) })
    }

    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        let _held = interrupt::hold_off();
        let (mut prepared, mut order) = (Vec::new(), Vec::new());
        for file in released {
            order.push(prepare(file).map(|file| prepared.push(file)));
        }
        let mut taken = self.commit(prepared).into_iter();
        let next = |prepared: Result<()>| {
            prepared.and_then(|()| taken.next().unwrap_or_else(|| Err(anyhow!("the entry was not stored"))))
        };
        order.into_iter().map(next).collect()
    }

    fn entry_of(&self, original: &Digest) -> Result<Entry> {
        let entry = self.collection.completed(original)?;
        entry.context("the same picture was to be released in this run, and failed")
    }
}
