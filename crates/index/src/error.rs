//! Errors, whose messages name the offending argument, file or field.

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
    /// The factory string does not name a supported index.
    #[error("factory {factory:?}: {part:?} {reason}")]
    Factory {
        /// Factory string as given.
        factory: String,
        /// Offending part of the string.
        part: String,
        /// Reason why the part is rejected.
        reason: String,
    },
    /// An argument is out of range.
    #[error("{name} must be {expected}, found {found}")]
    Argument {
        /// Name of the argument.
        name: &'static str,
        /// Accepted values.
        expected: String,
        /// Value given.
        found: String,
    },
    /// The vectors' dimension differs from the index's.
    #[error("{what}: expected dimension {expected}, found {found}")]
    Dimension {
        /// Role of the vectors, such as `queries`.
        what: &'static str,
        /// Dimension of the index.
        expected: usize,
        /// Dimension of the vectors.
        found: usize,
    },
    /// A vector contains a NaN or an infinity.
    #[error("{what}: row {row} contains a value that is not finite")]
    NotFinite {
        /// Role of the vectors, such as `queries`.
        what: &'static str,
        /// First such row, counted from 0.
        row: usize,
    },
    /// There are fewer training vectors than centroids.
    #[error("{what}: expected at least {needed} training vectors, one per centroid, found {found}")]
    TooFewPoints {
        /// Quantiser being trained.
        what: &'static str,
        /// Number of centroids.
        needed: usize,
        /// Number of training vectors.
        found: usize,
    },
    /// No stored vector carries this id.
    #[error("no vector has the id {0}")]
    UnknownId(i64),
    /// The kind of index does not support the operation.
    #[error("index {factory} does not support {operation}")]
    Unsupported {
        /// Factory string of the index.
        factory: String,
        /// Operation requested.
        operation: &'static str,
    },
    /// Two indexes have different quantisers, so their codes are not comparable.
    #[error("the indexes have different quantisers: {expected} and {found} were trained separately")]
    DifferentQuantisers {
        /// Factory string of the first index.
        expected: String,
        /// Factory string of the other index.
        found: String,
    },
    /// The centroid target was requested from an index without a coarse quantiser.
    #[error("the target `centroid` needs a coarse quantiser, and index {factory} has none")]
    NoCentroids {
        /// Factory string of the index.
        factory: String,
    },
    /// The device failed to compute or to return a result.
    #[error(transparent)]
    Device(#[from] device_math::Error),
    /// Reading or writing a file failed.
    #[error("{}: {source}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Underlying error.
        source: Box<Error>,
    },
    /// I/O error of the operating system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file that holds the inverted lists of an index (`OnDiskInvertedLists`) cannot be read.
    #[error("the inverted lists are in {}, which cannot be used: {reason}", path.display())]
    ListsFile {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the operating system, or the size found.
        reason: io::Error,
    },
    /// The file ends within a field.
    #[error("{field}: expected {expected} more bytes, found {remaining}")]
    Truncated {
        /// Name of the field.
        field: &'static str,
        /// Size of the field in bytes.
        expected: u64,
        /// Bytes left in the file.
        remaining: u64,
    },
    /// A field of a file has an invalid value.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Accepted values.
        expected: String,
        /// Value found.
        found: String,
    },
    /// A four-character code is not supported.
    #[error("{field}: unsupported fourcc {found:?}, supported are {supported}")]
    Fourcc {
        /// Structure that begins with the code.
        field: &'static str,
        /// Code as text.
        found: String,
        /// Supported codes.
        supported: &'static str,
    },
    /// A kind of index that faiss has and this crate does not support.
    #[error("{field}: {class} is not supported; {instead}")]
    UnsupportedKind {
        /// Structure of this kind.
        field: &'static str,
        /// faiss's name of the kind.
        class: String,
        /// Ways to an index that is supported.
        instead: &'static str,
    },
    /// Bytes follow the end of the structure.
    #[error("expected the end of the file, found {0} more bytes")]
    Trailing(u64),
}

impl Error {
    /// Adds the path of the file in which the error occurred.
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
