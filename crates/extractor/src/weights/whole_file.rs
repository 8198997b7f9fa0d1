//! Files that appear whole or not at all.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

/// Writes a file that appears whole or not at all.
pub fn write_whole(source: &mut dyn Read, path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)); // a cache may be shared
    let mut file = builder.tempfile_in(folder)?;
    io::copy(source, &mut file)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
