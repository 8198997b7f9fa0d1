//! Files beside descriptors and indexes: names of entries, ids, records of extractors.
//!
//! They belong to the file that links lead to, so that they are the same by whichever path an index is changed or read.

pub mod entry_ids;
pub mod entry_names;
pub mod extractor_record;
pub mod settled_read;

use std::path::{Path, PathBuf};

/// Returns the path of a side file of an index: `FILE.faiss` and an ending.
fn beside_index(file: &Path, ending: &str) -> PathBuf {
    let mut name = owner(file).into_os_string();
    name.push(ending);
    name.into()
}

/// Returns the path of a side file of descriptors: `FILE.npy` with another extension.
fn beside_descriptors(file: &Path, extension: &str) -> PathBuf {
    owner(file).with_extension(extension)
}

/// Returns the file that links lead to.
fn owner(file: &Path) -> PathBuf {
    // Links that lead to each other are reported when the file itself is opened.
    atomic_file::follow_links(file).unwrap_or_else(|_| file.to_owned())
}
