//! Files that appear whole or not at all, and whose writing Ctrl-C does not cut short.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use image_file::path_text;
use object_files::is_address;

use super::interrupt;
use crate::objects::objects;

/// Replaces the file at `path`, or the object at an address, with the output of `write`. Creates its folder if necessary.
///
/// # Errors
/// If the file cannot be written; the message names it, and a previous file is unchanged.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let _held = interrupt::hold_off();
    let replace = || {
        if is_address(path) {
            let mut bytes = Vec::new();
            write(&mut bytes)?;
            return objects().put(path, bytes).map_err(io::Error::other);
        }
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
