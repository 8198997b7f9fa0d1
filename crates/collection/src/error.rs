//! Errors, whose messages name the collection, the file or the field.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Result with this crate's error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path holds no collection.
    #[error("{}: no collection, which is a folder with the file {}", .0.display(), crate::folder::CATALOGUE)]
    NotACollection(PathBuf),
    /// A collection is to be created where something exists already.
    #[error("{}: exists already, and a collection is created in a new or an empty folder", .0.display())]
    Exists(PathBuf),
    /// The collection was made by a later version of this program.
    #[error("{}: the collection has schema {found}, and this version reads up to {supported}", path.display())]
    Schema {
        /// Path of the catalogue.
        path: PathBuf,
        /// Schema of the catalogue.
        found: i64,
        /// Latest schema that this version reads.
        supported: i64,
    },
    /// The index cannot be a collection's quantiser.
    #[error("quantiser {factory}: {reason}")]
    Quantiser {
        /// Factory string of the index.
        factory: String,
        /// Reason why it is refused.
        reason: String,
    },
    /// A file of the collection is missing, damaged, or not the one that the catalogue names.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Damage in words.
        reason: String,
    },
    /// The entries of one collection mean nothing in the other.
    #[error("{to}: {difference}: entries are taken over between equal ones alone")]
    Unlike {
        /// Collection that was to take over entries.
        to: String,
        /// Difference of it and the other collection, in words.
        difference: String,
    },
    /// An entry was asked for by an id or a name that no entry has.
    #[error("no entry has the id or name {0:?}")]
    UnknownEntry(String),
    /// Several entries have the name that an entry was asked for by.
    #[error("{} entries have the name {name:?}, with the ids {}", ids.len(), list(ids))]
    AmbiguousName {
        /// Name that was asked for.
        name: String,
        /// Ids of the entries of that name.
        ids: Vec<i64>,
    },
    /// An entry cannot be restored, because a compaction has dropped its descriptor.
    #[error("entry {0} was withdrawn and then dropped by a compaction; add the image again")]
    Dropped(i64),
    /// A review was asked for by an id that none has.
    #[error("no review has the id {0}")]
    UnknownReview(i64),
    /// Too many reviews wait for a decision.
    #[error("{most} reviews wait for a decision, and no more are kept until some are decided")]
    ReviewsFull {
        /// Largest number of reviews that wait.
        most: u64,
    },
    /// The numbers of entries and descriptors differ, or another argument is out of range.
    #[error("{name} must be {expected}, found {found}")]
    Argument {
        /// Name of the argument.
        name: &'static str,
        /// Accepted values.
        expected: String,
        /// Value given.
        found: String,
    },
    /// The catalogue cannot be read or written.
    #[error("{}: {source}", path.display())]
    Catalogue {
        /// Path of the catalogue.
        path: PathBuf,
        /// Error of SQLite.
        source: rusqlite::Error,
    },
    /// The engine that keeps the collection has failed.
    #[error("{location}: {reason}")]
    Engine {
        /// Address of the collection, or of a part of it.
        location: String,
        /// Failure in words.
        reason: String,
    },
    /// I/O error of a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Error of an index, or of one of its files.
    #[error(transparent)]
    Index(#[from] index::Error),
    /// The device failed to return descriptors.
    #[error(transparent)]
    Device(#[from] device_math::Error),
}

/// Largest number of ids that a message lists.
const LISTED: usize = 10;

fn list(ids: &[i64]) -> String {
    let mut words: Vec<String> = ids.iter().take(LISTED).map(ToString::to_string).collect();
    if ids.len() > LISTED {
        words.push("...".to_owned());
    }
    words.join(", ")
}

impl Error {
    /// Error of an argument out of range.
    pub fn argument(name: &'static str, expected: impl ToString, found: impl ToString) -> Self {
        Self::Argument { name, expected: expected.to_string(), found: found.to_string() }
    }

    /// Error of a damaged file.
    pub fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }

    /// Returns a function that adds the path of a file to an I/O error.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }

    /// Returns a function that adds the path of the catalogue to an error of SQLite.
    pub(crate) fn catalogue(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self + '_ {
        |source| Self::Catalogue { path: path.to_owned(), source }
    }

    /// Returns true if a file was not found.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Io { source, .. } | Self::Index(index::Error::Io(source)) => {
                source.kind() == io::ErrorKind::NotFound
            }
            Self::Index(index::Error::File { source, .. }) => {
                matches!(&**source, index::Error::Io(source) if source.kind() == io::ErrorKind::NotFound)
            }
            _ => false,
        }
    }
}
