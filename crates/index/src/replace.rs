//! Replaces a file whole or not at all.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

/// Replaces the file at `path` by what `write` produces: a temporary file in the same folder, synced, renamed.
///
/// Where `write` or anything else fails before the rename, `path` is untouched and the temporary file is gone. A
/// link is followed, and a file that is replaced keeps its permissions.
///
/// # Errors
/// If a folder, a device or a pipe is at `path`, or the system refuses.
pub fn replace_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (path, permissions) = destination(path)?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let temporary = create_in(folder)?;
    let mut buffered = BufWriter::with_capacity(1 << 20, temporary);
    write(&mut buffered)?;
    let temporary = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Where a file really is, and the permissions of the one that is there.
fn destination(path: &Path) -> io::Result<(PathBuf, Option<Permissions>)> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => Ok((fs::canonicalize(path)?, Some(there.permissions()))),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "what is there is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path.to_owned(), None)),
        Err(error) => Err(error),
    }
}

/// A file for reading, refused where it is a folder, a device or a pipe, which might never answer.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file"))
}

/// A temporary file with the permissions of an ordinary one, less the process's umask.
fn create_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".index-").suffix(".tmp");
    if let Some(permissions) = ordinary_permissions() {
        builder.permissions(permissions);
    }
    builder.tempfile_in(folder)
}

#[cfg(unix)]
fn ordinary_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn ordinary_permissions() -> Option<Permissions> {
    None
}

/// Makes the rename last through a power cut; only Unix lets a folder be opened and synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("lists");
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        replace_file(&path, |out| out.write_all(b"old")).expect("writes");
        let failure = replace_file(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failure.is_err());
        assert_eq!(fs::read(&path).expect("reads"), b"old");
        assert_eq!(names(folder.path()), ["a"]);
        replace_file(&path, |out| out.write_all(b"new")).expect("writes");
        assert_eq!(fs::read(&path).expect("reads"), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }
}
