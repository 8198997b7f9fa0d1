//! Files appear whole or not at all: temporary file, fsync, rename.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use anyhow::{Context, Result};

use crate::interrupt;

/// Replaces `path` by what `write` produces; its folder is made where it is missing.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let _held = interrupt::hold_off();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    replace(path, folder, write).with_context(|| format!("cannot write {}", path.display()))
}

fn replace(path: &Path, folder: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = temporary(folder)?;
    let mut buffered = std::io::BufWriter::new(file.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// A temporary file that everybody may read once it has its name.
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder.tempfile_in(folder)
}
