//! Files that are replaced whole or not at all.
//!
//! [`replace`] writes a temporary file in the same folder, syncs it, renames it over the path and syncs the folder,
//! so that readers, crashes and power cuts meet the old file or the new one. What a killed process leaves is removed by the
//! next one that writes into the folder.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("greeting.txt");
//! active_index_atomic_file::replace(&path, |file| writeln!(file, "hello"))?;
//! assert_eq!(std::fs::read_to_string(&path)?, "hello\n");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Programs that read a file, change it and replace it take turns by a [`WriteLock`].

mod lock;
mod temporary;

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

pub use lock::WriteLock;
use tempfile::NamedTempFile;

/// Bytes that are buffered between `write` and the file: two of the large pages in which Linux then keeps the file in memory.
const BUFFER: usize = 1 << 22;

/// Number of links that are followed one after the other, as by Linux.
const MAX_LINKS: usize = 40;

/// Replaces the file at `path` by the bytes that `write` produces.
///
/// If `write` or any step before the rename fails, `path` is untouched and the temporary file is removed. Links are
/// followed, and an existing file keeps its permissions.
///
/// # Errors
/// If `path` is a folder, a device or a pipe; errors of `write` and of the system.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    PreparedFile::write(path, write)?.publish()
}

/// File that is whole and on the disk, but not yet at its path. It is removed when dropped, and after a crash by the next write
/// into the folder.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("greeting.txt");
/// let prepared = active_index_atomic_file::PreparedFile::write(&path, |file| writeln!(file, "hello"))?;
/// assert!(!path.exists());
/// prepared.publish()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "hello\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PreparedFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl PreparedFile {
    /// Writes the bytes that `write` produces to a temporary file beside `path`, and syncs it.
    ///
    /// # Errors
    /// The errors of [`replace`].
    pub fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        let (path, permissions) = destination(path)?;
        let mut buffered = BufWriter::with_capacity(BUFFER, temporary::create(folder_of(&path))?);
        write(&mut buffered)?;
        let temporary = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Some(permissions) = permissions {
            temporary.as_file().set_permissions(permissions)?;
        }
        temporary.as_file().sync_all()?;
        Ok(Self { temporary, path })
    }

    /// Renames the file to its path, and syncs the folder.
    ///
    /// # Errors
    /// Errors of the system; the file at the path is then unchanged.
    pub fn publish(self) -> io::Result<()> {
        self.temporary.persist(&self.path).map_err(|error| error.error)?;
        sync_folder(folder_of(&self.path))
    }
}

/// Returns the path that [`replace`] writes to: that of the file that links lead to, which need not exist yet. Files that belong
/// to a file lie beside this one, whichever link it is called by.
///
/// # Errors
/// If links lead to each other.
pub fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut file = path.to_owned();
    for _ in 0..MAX_LINKS {
        // What is no link, or cannot be read, is for the caller to open.
        let Ok(target) = fs::read_link(&file) else { return Ok(file) };
        // A relative target is one from the folder of the link; an absolute one replaces that.
        file = file.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other(format!("more than {MAX_LINKS} links, one to the other")))
}

/// Path with links followed, and the permissions of the existing file.
fn destination(path: &Path) -> io::Result<(PathBuf, Option<Permissions>)> {
    let path = follow_links(path)?;
    match fs::metadata(&path) {
        Ok(existing) if existing.is_file() => Ok((path, Some(existing.permissions()))),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "the path exists and is not a regular file"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path, None)),
        Err(error) => Err(error),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Makes the rename survive a power cut. Only Unix opens and syncs folders.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("lists");
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        replace(&path, |out| out.write_all(b"old")).expect("writes");
        let failure = replace(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failure.is_err());
        assert_eq!(fs::read(&path).expect("reads"), b"old");
        assert_eq!(names(folder.path()), ["a"]);
        replace(&path, |out| out.write_all(b"new")).expect("writes");
        assert_eq!(fs::read(&path).expect("reads"), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_folder_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let error = replace(folder.path(), |_| Ok(())).expect_err("a folder");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("folder");
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, b"old").expect("writes");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("changes");
        symlink(&file, &link).expect("links");
        replace(&link, |out| out.write_all(b"new")).expect("writes");
        assert_eq!(fs::read(&file).expect("reads"), b"new");
        assert!(fs::symlink_metadata(&link).expect("stays").is_symlink());
        assert_eq!(fs::metadata(&file).expect("is there").permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_the_end_and_to_what_is_not_there_yet() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("store")).expect("creates");
        symlink("store/second", path("first")).expect("links");
        symlink("../file", path("store/second")).expect("links");
        for written in [b"created", b"changed"] {
            replace(&path("first"), |out| out.write_all(written)).expect("writes");
            assert_eq!(fs::read(path("file")).expect("reads"), written);
            assert!(fs::symlink_metadata(path("first")).expect("stays").is_symlink());
        }
        assert_eq!(follow_links(&path("file")).expect("follows"), path("file"));
        assert_eq!(follow_links(&path("nothing")).expect("follows"), path("nothing"));
        symlink("loop", path("loop")).expect("links");
        assert!(replace(&path("loop"), |_| Ok(())).is_err());
    }
}
