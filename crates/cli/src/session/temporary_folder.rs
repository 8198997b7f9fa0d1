//! A folder that is gone when the program ends, by Ctrl-C too.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// What [`remove_all`] removes.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removed when it is dropped.
pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Result<Self> {
        let folder = TempDir::with_prefix("active-index-").context("cannot make a temporary folder")?;
        with_folders(|folders| folders.push(folder.path().to_owned()));
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        with_folders(|folders| folders.retain(|folder| folder != self.0.path()));
    }
}

/// For a program that ends without dropping anything.
pub fn remove_all() {
    // What cannot be removed stays for the system to clean up.
    with_folders(|folders| folders.drain(..).for_each(|folder| drop(fs::remove_dir_all(folder))));
}

fn with_folders(change: impl FnOnce(&mut Vec<PathBuf>)) {
    change(&mut FOLDERS.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_its_owner_and_with_the_program() {
        let [dropped, left] = [Scratch::new().unwrap(), Scratch::new().unwrap()];
        let paths = [&dropped, &left].map(|scratch| scratch.path().to_owned());
        fs::write(paths[1].join("a.png"), b"x").unwrap();
        drop(dropped);
        assert!(!paths[0].exists() && paths[1].exists());
        remove_all();
        assert!(!paths[1].exists());
    }
}
