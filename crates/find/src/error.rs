//! Errors, whose messages name the collection, the file or the field.

/// Result with this crate's error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Error of the collection.
    #[error(transparent)]
    Collection(#[from] collection::Error),
    /// The device failed to describe views.
    #[error(transparent)]
    Describe(#[from] describe::Error),
    /// The device failed to return cosines.
    #[error(transparent)]
    Device(#[from] device_math::Error),
    /// A text is no calibration.
    #[error("the calibration is malformed: {0}")]
    Malformed(String),
    /// A calibration of a later version of this program.
    #[error("the calibration has schema {found}, and this version reads {supported}")]
    Schema {
        /// Schema of the text.
        found: u64,
        /// Schema that this version reads.
        supported: u64,
    },
    /// Too few pairs of unrelated pictures for a calibration.
    #[error(
        "{queries} background pictures against {entries} entries are too few for a calibration, expected at least \
         {least_queries} pictures, and {least_pairs} pairs"
    )]
    TooFew {
        /// Background pictures.
        queries: usize,
        /// Entries they were compared with.
        entries: usize,
        /// Least number of background pictures.
        least_queries: usize,
        /// Least number of pairs.
        least_pairs: u64,
    },
}
