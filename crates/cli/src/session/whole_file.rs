//! Files appear whole or not at all, and are not cut by Ctrl-C.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};

use crate::interrupt;

/// Replaces `path` by what `write` produces; its folder is made where it is missing.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let _held = interrupt::hold_off();
    let replace = || {
        make_folder_of(path)?;
        atomic_file::replace(path, write)
    };
    replace().with_context(|| format!("cannot write {}", path.display()))
}

/// Makes the folder of a file where it is missing.
pub fn make_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
