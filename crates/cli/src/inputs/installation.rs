//! Files of the installation: the default index in the program, the sample photographs, the cache of weights.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Default index, a faiss file.
pub const INDEX: &[u8] = include_bytes!("../../../../weights/default.faiss");

/// Extractor record of the default index.
pub const INDEX_RECORD: &str = include_str!("../../../../weights/default.faiss.extractor.json");

/// Environment variable that names another folder for weights.
const WEIGHTS_VARIABLE: &str = "ACTIVE_INDEX_WEIGHTS";

/// Returns the folder of the sample photographs, in the clone that this program was built in.
///
/// # Errors
/// If the clone is gone.
pub fn samples() -> Result<PathBuf> {
    clone_folder("samples").context("the sample photographs are missing: name the images to activate")
}

/// Returns the folder of weights: `$ACTIVE_INDEX_WEIGHTS`, that of the clone, or the user's cache.
///
/// # Errors
/// If there is none.
pub fn weights_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(WEIGHTS_VARIABLE) {
        return Ok(folder.into());
    }
    let users =
        || directories::ProjectDirs::from("", "", "active-index").map(|dirs| dirs.cache_dir().to_owned());
    let nowhere = || format!("there is no folder for weights: set {WEIGHTS_VARIABLE}");
    clone_folder("weights").or_else(users).with_context(nowhere)
}

fn clone_folder(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    Some(root.join(name)).filter(|folder| folder.is_dir())
}
