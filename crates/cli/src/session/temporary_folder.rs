//! A temporary folder that is removed when the program ends, also by Ctrl-C.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Folders that [`remove_all`] removes.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder that is removed when it is dropped.
pub struct TemporaryFolder(TempDir);

impl TemporaryFolder {
    /// # Errors
    /// If the system refuses a folder.
    pub fn new() -> Result<Self> {
        let folder = TempDir::with_prefix("active-index-").context("cannot create a temporary folder")?;
        with_folders(|folders| folders.push(folder.path().to_owned()));
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        with_folders(|folders| folders.retain(|folder| folder != self.0.path()));
    }
}

/// Removes all temporary folders, for a program that ends without dropping its values.
pub fn remove_all() {
    // The system cleans up folders that cannot be removed here.
    with_folders(|folders| folders.drain(..).for_each(|folder| drop(fs::remove_dir_all(folder))));
}

fn with_folders(change: impl FnOnce(&mut Vec<PathBuf>)) {
    change(&mut FOLDERS.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_removed_with_its_owner_and_with_the_program() {
        let [dropped, left] = [TemporaryFolder::new().unwrap(), TemporaryFolder::new().unwrap()];
        let paths = [&dropped, &left].map(|folder| folder.path().to_owned());
        fs::write(paths[1].join("a.png"), b"x").unwrap();
        drop(dropped);
        assert!(!paths[0].exists() && paths[1].exists());
        remove_all();
        assert!(!paths[1].exists());
    }
}
