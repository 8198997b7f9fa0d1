//! Stores of files that have addresses instead of paths.

use std::{fmt, path::Path};

use crate::Result;

/// Store of files that have addresses, such as an object store. Calls come from any thread, and block.
pub trait Store: fmt::Debug + Sync {
    /// Returns true for an address of the store, and false for a path.
    fn holds(&self, path: &Path) -> bool;

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::TooManyBytes`](crate::Error::TooManyBytes), [`Error::Store`](crate::Error::Store).
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>>;

    /// Writes a file whole, unless one with other bytes is there.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store), also if another file is there.
    fn write(&self, path: &Path, bytes: Vec<u8>) -> Result<()>;
}
