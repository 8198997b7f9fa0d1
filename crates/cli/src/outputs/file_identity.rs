//! Identity of an existing file, whatever path leads to it.

use std::path::Path;

/// Identity of an existing file: two paths with equal identities lead to one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileIdentity(Inner);

/// Device and inode, so that nothing has to be opened: opening a pipe would wait for its other end.
#[cfg(unix)]
type Inner = (u64, u64);

/// Path with links resolved.
#[cfg(not(unix))]
type Inner = std::path::PathBuf;

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
