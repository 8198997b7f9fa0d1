//! Events of fetching.

use std::path::Path;

use crate::error::Error;

/// An event while weights are fetched.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A source sends the file.
    Fetching {
        /// The address, or the package and its version.
        what: &'a str,
        /// Bytes received so far.
        bytes: u64,
        /// Bytes of the whole file, if known.
        total: Option<u64>,
    },
    /// A source failed, and the next one is tried.
    Failed(&'a Error),
    /// A file for which the publisher gives no hash was loaded successfully. From now on its hash must stay the same.
    Trusted {
        /// The file.
        file: &'a Path,
        /// Its SHA-256, in hexadecimal.
        sha256: &'a str,
    },
}
