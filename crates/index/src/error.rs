//! What can go wrong, in words that name the offending argument, file or field.

use std::{
    io,
    path::{Path, PathBuf},
};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A factory string that names no supported index.
    #[error("factory {factory:?}: {part:?} {reason}")]
    Factory {
        /// The whole string as given.
        factory: String,
        /// The part that could not be used.
        part: String,
        /// What was expected of that part.
        reason: String,
    },
    /// An argument outside its range.
    #[error("{name} must be {expected}, found {found}")]
    Argument {
        /// The argument's name.
        name: &'static str,
        /// What it must be.
        expected: String,
        /// What it was.
        found: String,
    },
    /// Vectors of another dimension than the index.
    #[error("{what}: expected dimension {expected}, found {found}")]
    Dimension {
        /// Which vectors.
        what: &'static str,
        /// The index's dimension.
        expected: usize,
        /// The vectors' dimension.
        found: usize,
    },
    /// A NaN or an infinity among the vectors.
    #[error("{what}: row {row} holds a value that is not finite")]
    NotFinite {
        /// Which vectors.
        what: &'static str,
        /// The first such row, counted from 0.
        row: usize,
    },
    /// Fewer training vectors than centroids.
    #[error("{what}: expected at least {needed} training vectors, one per centroid, found {found}")]
    TooFewPoints {
        /// The quantiser that was being trained.
        what: &'static str,
        /// Its number of centroids.
        needed: usize,
        /// The number of vectors given.
        found: usize,
    },
    /// No stored vector carries this id.
    #[error("no vector has the id {0}")]
    UnknownId(i64),
    /// Something that indexes of this kind cannot do.
    #[error("index {factory} does not support {operation}")]
    Unsupported {
        /// The index's factory string.
        factory: String,
        /// What was asked.
        operation: &'static str,
    },
    /// Two indexes whose codes mean different things.
    #[error("the indexes have different quantisers: {expected} and {found}, trained apart")]
    DifferentQuantisers {
        /// The first index's factory string.
        expected: String,
        /// The other's.
        found: String,
    },
    /// The centroid target was asked of an index without coarse quantiser.
    #[error("the target `centroid` needs a coarse quantiser, which index {factory} lacks")]
    NoCentroids {
        /// The index's factory string.
        factory: String,
    },
    /// The device could not compute or hand back its result.
    #[error("the device failed: {0}")]
    Device(String),
    /// Any failure while a file was read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong there.
        source: Box<Error>,
    },
    /// The operating system refused to read or write.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file ends inside a field.
    #[error("{field}: expected {expected} more bytes, found {remaining}")]
    Truncated {
        /// The field.
        field: &'static str,
        /// The field's size in bytes.
        expected: u64,
        /// The bytes left in the file.
        remaining: u64,
    },
    /// A field of a file holds a value that it must not.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A four-character code that this crate cannot read.
    #[error("{field}: unsupported fourcc {found:?}, supported are {supported}")]
    Fourcc {
        /// The structure that begins with the code.
        field: &'static str,
        /// The code as text.
        found: String,
        /// The codes that can be read there.
        supported: &'static str,
    },
    /// Bytes after the end of the structure.
    #[error("expected the end of the file, found {0} bytes more")]
    Trailing(u64),
}

impl Error {
    /// Wraps the error with the file that it occurred in.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), source: Box::new(self) }
    }

    pub(crate) fn argument(name: &'static str, expected: impl ToString, found: impl ToString) -> Self {
        Self::Argument { name, expected: expected.to_string(), found: found.to_string() }
    }

    pub(crate) fn field(field: &'static str, expected: impl ToString, found: impl ToString) -> Self {
        Self::Field { field, expected: expected.to_string(), found: found.to_string() }
    }
}
