//! Places that released files go to.

use std::{fs, io, path::Path};

use atomic_file::follow_links;
use collection::{Digest, Entry};
use witness::Kind;

use crate::{
    error::{Error, Result},
    job::Job,
};

/// Place that released files go to. Called from the threads that read and write.
pub trait Destination: Sync {
    /// Returns the kind of the witnesses that are kept with released files; none by default.
    fn witness_kind(&self) -> Kind {
        Kind::None
    }

    /// Looks at an original, given the bytes of its file, before it is decoded. By default every original is new.
    ///
    /// # Errors
    /// If the place cannot be read.
    fn examine(&self, original: &[u8]) -> Result<Examined> {
        let _ = original;
        Ok(Examined::New(None))
    }

    /// Takes the released files of a batch, and returns for each, in their order, what became of it.
    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>>;

    /// Returns the entry of an original that an earlier job of this run released.
    ///
    /// # Errors
    /// If that job failed, or the place cannot be read or has no entries.
    fn entry_of(&self, original: &Digest) -> Result<Entry> {
        let _ = original;
        Err(Error::FirstFailed)
    }
}

/// Original as a destination sees it.
#[derive(Debug, Clone)]
pub enum Examined {
    /// To be released. The digest, if there is one, goes with the released file, and of several jobs of a run with one digest
    /// only the first is released.
    New(Option<Digest>),
    /// Released or added before: the entry that stands for it.
    Known(Box<Entry>),
}

/// Released file, in memory.
#[derive(Debug)]
pub struct ReleasedFile<'a> {
    /// Its job.
    pub job: &'a Job,
    /// Digest of the original, from [`Examined::New`].
    pub digest: Option<Digest>,
    /// Bytes of the file.
    pub bytes: Vec<u8>,
    /// Descriptor `[d]` of the file's pixels.
    pub descriptor: Vec<f32>,
    /// Bytes of the witness of the file's pixels, if the destination keeps witnesses.
    pub witness: Option<Vec<u8>>,
}

/// Outcome of handing a released file over.
#[derive(Debug)]
pub enum Taken {
    /// The file is at its path; the id of its entry, if the place has entries.
    Written(Option<i64>),
    /// Another run has released the same original meanwhile; the file was not written.
    Known(Box<Entry>),
}

/// Creates the folder of a file, or of the one that links lead to, if necessary.
pub(crate) fn make_folder_of(path: &Path) -> io::Result<()> {
    follow_links(path)?.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Paths of the jobs, without a memory of what was released.
#[derive(Debug, Clone, Copy)]
pub struct Folder;

impl Destination for Folder {
    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        released.iter().map(write).collect()
    }
}

fn write(ReleasedFile { job, bytes, .. }: &ReleasedFile<'_>) -> Result<Taken> {
    let path = &job.output;
    let written = make_folder_of(path).and_then(|()| atomic_file::replace(path, |out| out.write_all(bytes)));
    written.map_err(|source| Error::Write { path: path.clone(), source })?;
    Ok(Taken::Written(None))
}
