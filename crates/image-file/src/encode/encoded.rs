//! Result of encoding.

use std::fmt::Display;

use crate::{Error, Format};

/// Bytes of an encoded file, and the metadata that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Parts of the picture that the file lacks, one sentence each.
    pub notes: Vec<String>,
}

/// Maps the error of a format's encoder.
pub(super) fn refused(format: Format, error: impl Display) -> Error {
    Error::Encode { format, reason: error.to_string() }
}
