//! Failures of reading and writing objects.

/// Failure of a call. Messages do not contain the address, which the caller adds in front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This build has no clients of object stores.
    #[error(
        "is in an object store, which this build does not reach: `cargo install --path crates/cli --features object-store` builds one that does"
    )]
    NotBuilt,
    /// The path is no address of an object.
    #[error("expected the address of an object, such as s3://bucket/name: {0}")]
    Address(&'static str),
    /// There is no such object.
    #[error("does not exist")]
    NotFound,
    /// The object is larger than the caller allows.
    #[error("has {bytes} bytes, more than the {limit} allowed")]
    TooManyBytes {
        /// Size of the object.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Another object is where a new one was to be written.
    #[error("exists with other content, which is not replaced: remove it, or write to another place")]
    Exists,
    /// The store refuses, or does not answer.
    #[error("{0}")]
    Store(String),
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
