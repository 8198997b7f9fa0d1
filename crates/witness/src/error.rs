//! Errors of names and of bytes.

/// Reason why a name or bytes are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No kind has this name.
    #[error("unknown kind of witness {0:?}: expected none, keypoints or thumbnails")]
    Kind(String),
    /// The bytes do not begin like a witness.
    #[error("not a witness: expected the bytes \"AIwi\" first")]
    Magic,
    /// The bytes have another version.
    #[error("witness of version {0}: expected version {expected}", expected = crate::VERSION)]
    Version(u8),
    /// A field is outside of its range.
    #[error("witness: {field} is {found}, expected {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Value in the bytes.
        found: u64,
        /// Range of the field.
        expected: &'static str,
    },
    /// The number of bytes is not what the fields before them say.
    #[error("witness of {found} bytes: expected {expected}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes there have to be.
        expected: usize,
    },
    /// The thumbnail cannot be decoded.
    #[error("thumbnail of a witness: {0}")]
    Thumbnail(String),
}

/// Result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
