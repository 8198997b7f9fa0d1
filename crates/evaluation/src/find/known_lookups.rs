//! Known lookups: those of earlier runs that left a file.
//!
//! The file has one JSON object a line: a key and the lookups of one photograph. Lines are appended; an incomplete one of a
//! crash is cut off when the file is opened.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lookup::Lookup;
use crate::{
    error::{Error, Result},
    events::Events,
};

/// Largest file in bytes: a lookup takes some hundred.
const MAX_BYTES: u64 = 1 << 31;

/// Lookups of photographs, and the file that keeps new ones.
#[derive(Debug)]
pub struct KnownLookups {
    context: Sha256,
    known: HashMap<String, Vec<Lookup>>,
    file: Option<(PathBuf, File)>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line<L> {
    key: String,
    lookups: L,
}

impl KnownLookups {
    /// Opens the lookups of a file, which keeps new ones too. `context` stands for everything that answers depend on, except
    /// the picture and its edits: extractor, collection, settings. Without a path nothing is known or kept.
    ///
    /// # Errors
    /// [`Error::ResumeFile`] if the file is of another kind or is in use; [`Error::File`].
    pub fn open(path: Option<&Path>, context: &str, events: &dyn Events) -> Result<Self> {
        let version = env!("CARGO_PKG_VERSION");
        let context = Sha256::new_with_prefix(format!("lookups {version} {context} "));
        let mut opened = Self { context, known: HashMap::new(), file: None };
        if let Some(path) = path {
            opened.attach(path)?;
            events.resumed(path, opened.known.values().map(Vec::len).sum());
        }
        Ok(opened)
    }

    /// Returns the key of a photograph, given by the bytes of its pixels and by what is done to it.
    pub(super) fn key(&self, pixels: &[u8], size: (u32, u32), work: &str) -> String {
        let mut hasher = self.context.clone();
        hasher.update(format!("{size:?} {work} "));
        hasher.update(pixels);
        hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn get(&self, key: &str) -> Option<&[Lookup]> {
        self.known.get(key).map(Vec::as_slice)
    }

    /// Appends the lookups of a photograph to the file.
    pub(super) fn append(&mut self, key: String, lookups: &[Lookup], events: &dyn Events) -> Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let mut line = serde_json::to_vec(&Line { key, lookups })
            .map_err(|error| Error::File { path: path.clone(), source: error.into() })?;
        line.push(b'\n');
        events
            .uninterrupted(&mut || file.write_all(&line))
            .map_err(|source| Error::File { path: path.clone(), source })
    }

    fn attach(&mut self, path: &Path) -> Result<()> {
        let refused = |reason: &str| Error::ResumeFile { path: path.to_owned(), reason: reason.to_owned() };
        let failed = |source: io::Error| Error::File { path: path.to_owned(), source };
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        if path.exists() && !path.is_file() {
            return Err(refused("is not a regular file: name another one"));
        }
        let mut file = File::options().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refused("is in use by another run: wait for it, or name another file"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if file.metadata().map_err(failed)?.len() > MAX_BYTES {
            return Err(refused("is larger than any file of lookups: name another one"));
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            let Line { key, lookups } = serde_json::from_slice(line)
                .map_err(|_| refused("holds no lookups of an earlier run: name another file"))?;
            self.known.insert(key, lookups);
        }
        // A file without a whole line is either cut off in its first one, or of another kind.
        if whole == 0 && !text.is_empty() && !text.starts_with(b"{\"key\":\"") {
            return Err(refused("holds no lookups of an earlier run: name another file"));
        }
        file.set_len(whole as u64).map_err(failed)?;
        self.file = Some((path.to_owned(), file));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::lookup::FoundEntry, *};
    use crate::events::Ignored;

    fn lookup(photograph: usize) -> Lookup {
        let right = vec![3];
        // Not the number that a decimal of 17 digits is rounded to by every parser.
        let found = FoundEntry {
            id: 3,
            is_match: true,
            e_value: 7.076872008389645e-20,
            cosine: 0.99192744,
            look: "whole picture".to_owned(),
            inliers: Some(12),
            is_related: false,
        };
        Lookup {
            photograph,
            edit: 1,
            right,
            found: vec![found],
            looks: 2,
            cells: 9,
            comparisons: 4,
            seconds: 0.1,
        }
    }

    fn open(path: &Path) -> Result<KnownLookups> {
        KnownLookups::open(Some(path), "context", &Ignored)
    }

    #[test]
    fn lookups_are_there_again_and_half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.state");
        let mut opened = open(&path).unwrap();
        let keys = ["a", "b"].map(|work| opened.key(&[1, 2], (1, 2), work));
        for (i, key) in keys.iter().enumerate() {
            opened.append(key.clone(), &[lookup(i)], &Ignored).unwrap();
        }
        drop(opened);
        let whole = fs::read(&path).unwrap();
        for cut in [0, 1, 7, whole.len() / 2] {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let opened = open(&path).unwrap();
            assert_eq!(opened.get(&keys[0]).is_some(), cut < whole.len() / 2 + 1);
            assert_eq!(opened.get(&keys[1]), (cut == 0).then_some(&[lookup(1)][..]), "{cut}");
        }
        let other = KnownLookups::open(None, "another", &Ignored).unwrap();
        assert_ne!(other.key(&[1, 2], (1, 2), "a"), keys[0]);
        assert_ne!(other.key(&[1, 2], (2, 1), "a"), other.key(&[1, 2], (1, 2), "a"));
    }

    #[test]
    fn other_files_and_files_in_use_are_refused_and_left_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let held = open(&path).unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("in use by another run"));
        drop(held);
        for content in ["hello", "hello\n", "{\"key\":1}\n", "descriptors1"] {
            fs::write(&path, content).unwrap();
            assert!(open(&path).unwrap_err().to_string().contains("name another file"), "{content}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
}
