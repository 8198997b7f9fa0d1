//! Reads of an index and its side files while other runs may replace them.
//!
//! A run that changes an index replaces several files, one after the other. Readers take no lock, so that they need no
//! permission to write. What they read belongs together if the index was not replaced meanwhile.

use std::{fs, path::Path, time::SystemTime};

use anyhow::Result;
use burn::tensor::Device;
use index::Index;

use super::entry_names::{self, Names};
use crate::session::Session;

/// Number of reads that other runs may disturb, before a read that makes them wait.
const ATTEMPTS: usize = 8;

/// Opens an index, and reads the names of its entries.
///
/// # Errors
/// If they cannot be read, or the index is replaced again and again and cannot be locked.
pub fn open_with_names(path: &Path, device: &Device, session: &Session) -> Result<(Index, Names)> {
    read_settled(path, session, || {
        let index = Index::open(path, device)?;
        let names = entry_names::of_entries(path, index.ntotal())?;
        Ok((index, names))
    })
}

/// Returns what `read` reads of the index in `path` and its side files, all of one version. `read` is called again while other
/// runs replace the index.
///
/// # Errors
/// Those of `read`. If the index is replaced again and again and cannot be locked.
pub fn read_settled<T>(path: &Path, session: &Session, mut read: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..ATTEMPTS {
        let before = version(path);
        let found = read();
        if version(path) == before {
            return found;
        }
    }
    let _lock = session.lock(path)?;
    read()
}

/// Size and times of a file, and its number in the file system, which no later version has altogether.
#[cfg(unix)]
fn version(path: &Path) -> Option<impl PartialEq> {
    use std::os::unix::fs::MetadataExt;
    let about = fs::metadata(path).ok()?;
    let changed: Option<SystemTime> = about.modified().ok();
    Some((about.dev(), about.ino(), about.len(), changed, about.ctime(), about.ctime_nsec()))
}

/// Size and time of a file.
#[cfg(not(unix))]
fn version(path: &Path) -> Option<impl PartialEq> {
    let about = fs::metadata(path).ok()?;
    let changed: Option<SystemTime> = about.modified().ok();
    Some((about.len(), changed))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use index::TrainConfig;

    use super::*;

    /// An index of four entries, of which these are left.
    fn index(left: &[i64]) -> Index {
        let vectors: Tensor<2> =
            Tensor::<1>::from_floats([0.0, 1.0, 2.0, 3.0], &Device::flex()).reshape([4, 1]);
        let mut index =
            Index::train(&"Flat".parse().unwrap(), vectors.clone(), &TrainConfig::default()).unwrap();
        index.add(vectors).unwrap();
        let gone: Vec<i64> = (0..4).filter(|entry| !left.contains(entry)).collect();
        index.remove(&gone).unwrap();
        index
    }

    /// As `index remove` does it: ids are positions, so that names move up.
    fn write(path: &Path, left: &[i64]) {
        let names: Names =
            left.iter().enumerate().map(|(id, entry)| (id as i64, entry.to_string())).collect();
        entry_names::stage(path, left.len(), names).unwrap();
        index(left).write(path).unwrap();
        entry_names::settle(path, left.len()).unwrap();
    }

    #[test]
    fn names_are_those_of_the_entries_whenever_the_index_is_replaced() {
        let session = Session::of_tests();
        let versions: [&[i64]; 4] = [&[0, 1, 2, 3], &[1, 2, 3], &[2, 3], &[1, 3]];
        for disturbances in 0..=ATTEMPTS + 1 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("db.faiss");
            write(&path, versions[0]);
            let mut reads = 0;
            let (index, names) = read_settled(&path, &session, || {
                let index = Index::open(&path, &Device::flex())?;
                reads += 1;
                if reads <= disturbances.min(ATTEMPTS) {
                    write(&path, versions[reads % 4]);
                }
                let names = entry_names::of_entries(&path, index.ntotal())?;
                Ok((index, names))
            })
            .unwrap();
            let last = versions[disturbances.min(ATTEMPTS) % 4];
            assert_eq!((index.ntotal(), reads), (last.len(), disturbances.min(ATTEMPTS) + 1));
            assert_eq!(
                names.values().cloned().collect::<Vec<_>>(),
                last.iter().map(i64::to_string).collect::<Vec<_>>()
            );
        }
    }
}
