//! Known descriptors: of this run, and of earlier ones that left a file.
//!
//! The file is a heading, then records of one size: key, descriptor, checksum. Whole records are appended, nothing else
//! is ever written; an incomplete record of a crash is cut off when the file is opened.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::keys::Key;
use crate::{
    error::{Error, Result},
    events::Events,
};

/// First bytes of the file; the dimension follows, 4 bytes.
const MAGIC: [u8; 12] = *b"descriptors1";
/// Length of the heading in bytes.
const HEADING: usize = MAGIC.len() + 4;
/// Length of a checksum in bytes: the first of a SHA-256.
const CHECKSUM: usize = 8;

/// Descriptors `[d]` by key.
pub type Known = HashMap<Key, Vec<f32>>;

/// Known descriptors, and the file that keeps new ones.
#[derive(Debug)]
pub struct KnownDescriptors {
    d: usize,
    known: Known,
    file: DescriptorFile,
}

/// File that new descriptors are appended to, if there is one.
#[derive(Debug)]
pub struct DescriptorFile(Option<(PathBuf, File)>);

impl KnownDescriptors {
    /// Opens descriptors of dimension `d`: those of the file `path`, which keeps new ones too. Without a path nothing is
    /// known or kept.
    ///
    /// # Errors
    /// [`Error::ResumeFile`] if the file is of another kind or dimension, or is in use; [`Error::File`].
    pub fn open(path: Option<&Path>, d: usize, events: &dyn Events) -> Result<Self> {
        let mut opened = Self { d, known: Known::new(), file: DescriptorFile(None) };
        if let Some(path) = path {
            opened.attach(path)?;
            events.resumed(path, opened.known.len());
        }
        Ok(opened)
    }

    fn attach(&mut self, path: &Path) -> Result<()> {
        let refused = |reason: String| Error::ResumeFile { path: path.to_owned(), reason };
        let failed = |source: io::Error| Error::File { path: path.to_owned(), source };
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        if path.exists() && !path.is_file() {
            return Err(refused("is not a regular file: name another one".to_owned()));
        }
        let mut file = File::options().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refused(
                    "is in use by another run: wait for it, or name another file".to_owned(),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let whole = self.read(&mut file).map_err(failed)?;
        let whole = whole.ok_or_else(|| {
            let d = self.d;
            refused(format!("holds no descriptors of {d} numbers of an earlier run: name another file"))
        })?;
        file.set_len(whole).map_err(failed)?;
        self.file = DescriptorFile(Some((path.to_owned(), file)));
        Ok(())
    }

    /// Reads all whole records and returns their end in bytes, or `None` if the heading is another one.
    fn read(&mut self, file: &mut File) -> io::Result<Option<u64>> {
        let heading = [&MAGIC[..], &(self.d as u32).to_le_bytes()].concat();
        if file.metadata()?.len() == 0 {
            file.write_all(&heading)?;
            return Ok(Some(HEADING as u64));
        }
        let mut reader = io::BufReader::new(file);
        let mut found = [0; HEADING];
        reader.seek(SeekFrom::Start(0))?;
        if reader.read_exact(&mut found).is_err() || found[..] != heading[..] {
            return Ok(None);
        }
        let mut record = vec![0; self.record()];
        let mut end = HEADING;
        while reader.read_exact(&mut record).is_ok() {
            let Some((key, descriptor)) = parse(&record) else { break };
            self.known.insert(key, descriptor);
            end += record.len();
        }
        Ok(Some(end as u64))
    }

    /// Returns the descriptor of a key, if it is known.
    pub(crate) fn get(&self, key: &Key) -> Option<&[f32]> {
        self.known.get(key).map(Vec::as_slice)
    }

    /// Returns true if a file keeps new descriptors.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.0.is_some()
    }

    /// Returns the length of a record in bytes.
    fn record(&self) -> usize {
        size_of::<Key>() + 4 * self.d + CHECKSUM
    }

    /// Returns the known descriptors, and the file for new ones.
    pub(crate) fn parts(&mut self) -> (&Known, &mut DescriptorFile) {
        (&self.known, &mut self.file)
    }

    /// Adds a descriptor for the rest of this run.
    pub(crate) fn remember(&mut self, key: Key, descriptor: Vec<f32>) {
        self.known.insert(key, descriptor);
    }
}

impl DescriptorFile {
    /// Appends descriptors.
    pub fn append<'a>(
        &mut self,
        new: impl Iterator<Item = (&'a Key, &'a Vec<f32>)>,
        events: &dyn Events,
    ) -> Result<()> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        let bytes: Vec<u8> = new.flat_map(|(key, descriptor)| serialise(key, descriptor)).collect();
        events
            .uninterrupted(&mut || file.write_all(&bytes))
            .map_err(|source| Error::File { path: path.clone(), source })
    }
}

fn serialise(key: &Key, descriptor: &[f32]) -> Vec<u8> {
    let mut record = key.to_vec();
    record.extend(descriptor.iter().flat_map(|value| value.to_le_bytes()));
    let checksum = Sha256::digest(&record);
    record.extend(&checksum[..CHECKSUM]);
    record
}

/// Parses a record; `None` if its checksum is wrong.
fn parse(record: &[u8]) -> Option<(Key, Vec<f32>)> {
    let (content, checksum) = record.split_at(record.len() - CHECKSUM);
    let (key, values) = content.split_first_chunk::<16>()?;
    let values =
        values.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    (Sha256::digest(content)[..CHECKSUM] == *checksum).then(|| (*key, values.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Ignored;

    fn open(path: &Path, d: usize) -> Result<KnownDescriptors> {
        KnownDescriptors::open(Some(path), d, &Ignored)
    }

    fn filled(path: &Path) -> KnownDescriptors {
        let mut opened = open(path, 2).unwrap();
        let new = [([1; 16], vec![0.5, 1.0]), ([2; 16], vec![-1.0, 3.0])];
        let new = new.iter().map(|(key, descriptor)| (key, descriptor));
        opened.file.append(new, &Ignored).unwrap();
        opened
    }

    #[test]
    fn descriptors_are_there_again_and_half_a_record_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.state");
        drop(filled(&path));
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let opened = open(&path, 2).unwrap();
        assert_eq!(opened.known, Known::from([([1; 16], vec![0.5, 1.0])]));
        drop(opened);
        drop(filled(&path));
        assert_eq!(fs::read(&path).unwrap().len(), whole.len() + 16 + 8 + CHECKSUM);
        let mut damaged = whole.clone();
        damaged[HEADING + 17] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(open(&path, 2).unwrap().known.len(), 0);
    }

    #[test]
    fn other_files_and_files_in_use_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let refused = |d| open(&path, d).unwrap_err().to_string();
        let held = filled(&path);
        assert!(refused(2).contains("in use by another run"));
        drop(held);
        assert!(refused(3).contains("no descriptors of 3 numbers"));
        fs::write(&path, "hello").unwrap();
        assert!(refused(2).contains("name another file"));
        assert_eq!(fs::read(&path).unwrap(), b"hello", "left as it was");
    }
}
