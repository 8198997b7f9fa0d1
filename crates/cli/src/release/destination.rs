//! Places that released files go to.

use std::path::Path;

use anyhow::Result;
use collection::{Digest, Entry};
use witness::Kind;

use super::plan::Job;
use crate::session::whole_file::write_whole;

/// Place that released files go to. Called from the threads that read and write.
pub trait Destination: Sync {
    /// Returns the kind of the witnesses that are kept with released files.
    fn witness_kind(&self) -> Kind;

    /// Looks at an original, given the bytes of its file, before it is decoded.
    ///
    /// # Errors
    /// If the place cannot be read.
    fn examine(&self, original: &[u8]) -> Result<Examined>;

    /// Takes the released files of a batch, and returns for each what became of it.
    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>>;

    /// Returns the entry of an original that an earlier job of this run released.
    ///
    /// # Errors
    /// If that job failed, or the place cannot be read.
    fn entry_of(&self, original: &Digest) -> Result<Entry>;
}

/// Original as a destination sees it.
#[derive(Debug, Clone)]
pub enum Examined {
    /// To be released; the digest, if there is one, goes with the released file.
    New(Option<Digest>),
    /// Released or added before this run: the entry that stands for it.
    Known(Box<Entry>),
    /// The same file as that of an earlier job of this run.
    Repeated(Digest),
}

/// Released file, in memory.
pub struct ReleasedFile<'a> {
    pub job: &'a Job,
    pub digest: Option<Digest>,
    pub bytes: Vec<u8>,
    /// Descriptor of the file's pixels.
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

/// Folder of the plan, without a memory of its own.
pub struct Folder;

impl Destination for Folder {
    fn witness_kind(&self) -> Kind {
        Kind::None
    }

    fn examine(&self, _: &[u8]) -> Result<Examined> {
        Ok(Examined::New(None))
    }

    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        let write = |path: &Path, bytes: &[u8]| write_whole(path, |sink| sink.write_all(bytes));
        let write = |file: &ReleasedFile| write(&file.job.output, &file.bytes).map(|()| Taken::Written(None));
        released.iter().map(write).collect()
    }

    fn entry_of(&self, original: &Digest) -> Result<Entry> {
        anyhow::bail!("a folder has no entry of {original}")
    }
}
