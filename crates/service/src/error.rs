//! Errors that keep the service from starting, or end it.

use std::{io, net::SocketAddr};

/// Result with this crate's error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Error of the system.
        source: io::Error,
    },
    /// Other machines would be answered without a token.
    #[error("{0} is reachable from other machines: give tokens, or open the service to everyone")]
    Unprotected(SocketAddr),
    /// Two collections have one name.
    #[error("two collections have the name {0:?}")]
    SameName(String),
    /// The name of a collection is no segment of a path.
    #[error("the name {0:?} of a collection must have 1 to 64 letters, digits, dots, hyphens or underscores")]
    Name(String),
    /// There is no collection to look in.
    #[error("no collection is named")]
    NoCollection,
    /// A line is no token.
    #[error(
        "line {line}: a token must have 16 to 256 letters, digits or characters of -._~+/=, found {found}"
    )]
    Token {
        /// Number of the line, from 1 on.
        line: usize,
        /// Number of characters, or the sort of character that is not allowed.
        found: String,
    },
    /// There is no token.
    #[error("no line holds a token")]
    NoToken,
    /// The system refuses a thread, or the runtime.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// The folder of releases cannot be created or read.
    #[error("cannot release pictures: {0}")]
    Releases(io::Error),
    /// Error of a collection.
    #[error(transparent)]
    Collection(#[from] collection::Error),
    /// Error of a finder.
    #[error(transparent)]
    Find(#[from] find::Error),
    /// The network could not be loaded, or ended.
    #[error(transparent)]
    Network(Box<dyn std::error::Error + Send + Sync>),
}
