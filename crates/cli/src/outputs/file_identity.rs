//! Identity of a file, whatever path leads to it.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// Identity of an existing file: two paths with equal identities lead to one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileIdentity(Inner);

/// Device and inode, so that nothing has to be opened: opening a pipe would wait for its other end.
#[cfg(unix)]
type Inner = (u64, u64);

/// Path with links resolved.
#[cfg(not(unix))]
type Inner = PathBuf;

impl FileIdentity {
    /// Returns `None` if there is no file.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        path.metadata().ok().map(|about| Self((about.dev(), about.ino())))
    }

    /// Returns `None` if there is no file.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        path.canonicalize().ok().map(Self)
    }
}

/// Place of a file that may not exist yet: two paths with equal places lead to one file.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, or the nearest folder above it that exists.
    existing: Option<FileIdentity>,
    /// Path from there.
    rest: PathBuf,
}

impl Place {
    /// # Errors
    /// If links lead to each other, or the current folder is unknown.
    pub fn of(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(atomic_file::follow_links(path)?)?;
        let mut above = path.ancestors().filter_map(|above| Some((FileIdentity::of(above)?, above)));
        Ok(match above.next() {
            Some((existing, above)) => {
                let rest = path.strip_prefix(above).unwrap_or(&path);
                Self { existing: Some(existing), rest: without_detours(rest) }
            }
            None => Self { existing: None, rest: path },
        })
    }
}

/// Resolves `folder/..` in a path below which nothing exists, so that no folder is a link.
fn without_detours(path: &Path) -> PathBuf {
    let mut direct = PathBuf::new();
    for part in path.components() {
        if part != Component::ParentDir || !direct.pop() {
            direct.push(part);
        }
    }
    direct
}
