//! Files that appear whole or not at all, and whose writing Ctrl-C does not cut short.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use image_file::path_text;

use super::interrupt;

/// Replaces the file at `path` with the output of `write`, and creates its folder if necessary.
///
/// # Errors
/// If the file cannot be written; the message names it, and a previous file is unchanged.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let _held = interrupt::hold_off();
    let replace = || {
        make_folder_of(path)?;
        atomic_file::replace(path, write)
    };
    replace().with_context(|| format!("cannot write {}", path_text(path)))
}

/// Creates the folder of a file, or of the one that links lead to, if necessary.
///
/// # Errors
/// If it cannot be created.
pub fn make_folder_of(path: &Path) -> io::Result<()> {
    atomic_file::follow_links(path)?.parent().map_or(Ok(()), fs::create_dir_all)
}
