//! Files opened for reading.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// Opens a file for reading. Folders, devices and pipes are refused, because a read from them might never return.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"))
}
