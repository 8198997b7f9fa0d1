//! Errors of this crate.

use std::path::{Path, PathBuf};

/// Failure to fetch, read or build an extractor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The manifest lists no model of that name.
    #[error("no model is called `{name}`; the manifest lists {known}")]
    UnknownModel {
        /// The requested name.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// The manifest itself is malformed.
    #[error("weights manifest: {0}")]
    Manifest(String),
    /// A file has another hash than expected.
    #[error("{}: sha256 is {found}, expected {expected}; delete the file to fetch it again", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// The expected hash, in hexadecimal.
        expected: String,
        /// The file's hash, in hexadecimal.
        found: String,
    },
    /// The weights could not be fetched.
    #[error("cannot fetch {what}: {reason}")]
    Fetch {
        /// Address, or package and version.
        what: String,
        /// The cause, and its remedy if there is one.
        reason: String,
    },
    /// A weights file is damaged, unsupported or of another network.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The expected and the found content.
        reason: String,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
        move |source| Error::Io { path: path.to_owned(), source }
    }

    pub(crate) fn weights(path: &Path) -> impl FnOnce(String) -> Error + '_ {
        move |reason| Error::Weights { path: path.to_owned(), reason }
    }
}
