//! Turns to change files that other runs may change at the same time.

use std::{io::ErrorKind, path::Path};

use anyhow::{Context, Result};
use atomic_file::WriteLock;
use image_file::path_text;

use super::{Session, whole_file::make_folder_of};

impl Session {
    /// Waits until no other run changes the file at `path` and those beside it; others wait until the lock is dropped. What
    /// was read of the file before may have changed meanwhile.
    ///
    /// # Errors
    /// If the file cannot be locked. Where the file system has no locks, a note on stderr says so.
    pub fn lock(&self, path: &Path) -> Result<Option<WriteLock>> {
        let name = path_text(path);
        let wait = || self.note(&format!("{name}: waiting for another run that changes it"));
        match WriteLock::acquire(path, wait) {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.note(&format!("{name}: cannot be locked here: change it by one run at a time"));
                Ok(None)
            }
            lock => Ok(Some(lock.with_context(|| format!("cannot lock {name}"))?)),
        }
    }

    /// Locks a file that may not exist yet, see [`Self::lock`], and creates its folder if necessary.
    ///
    /// # Errors
    /// If the folder cannot be created, or the file cannot be locked.
    pub fn lock_output(&self, path: &Path) -> Result<Option<WriteLock>> {
        make_folder_of(path).with_context(|| path_text(path))?;
        self.lock(path)
    }
}
