//! What comes with the program: the default index in the binary, the samples and the weights beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The default index, a faiss file.
pub const INDEX: &[u8] = include_bytes!("../../../weights/default.faiss");

/// Which extractor the descriptors in it are of.
pub const INDEX_PROVENANCE: &str = include_str!("../../../weights/default.faiss.extractor.json");

/// Names another folder to cache weights in.
const WEIGHTS_VARIABLE: &str = "ACTIVE_INDEX_WEIGHTS";

/// The sample photographs of the clone this program was built in.
pub fn samples() -> Result<PathBuf> {
    clone_folder("samples").context("no sample photographs here: name images to activate")
}

/// Where weights are cached: `$ACTIVE_INDEX_WEIGHTS`, the clone's own folder, or the user's cache.
pub fn weights_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(WEIGHTS_VARIABLE) {
        return Ok(folder.into());
    }
    let users =
        || directories::ProjectDirs::from("", "", "active-index").map(|dirs| dirs.cache_dir().to_owned());
    let nowhere = || format!("no folder for weights: set {WEIGHTS_VARIABLE}");
    clone_folder("weights").or_else(users).with_context(nowhere)
}

fn clone_folder(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    Some(root.join(name)).filter(|folder| folder.is_dir())
}
