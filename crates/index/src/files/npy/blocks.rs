//! Reading of descriptors in blocks of rows.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{
    header::read_shape,
    matrix::{Matrix, read_values},
};
use crate::{
    error::{Error, Result},
    files::regular_file::open_regular,
    vectors::check_finite,
};

/// Opens descriptors `[n, d]` for reading in blocks of `rows`; only one block is in memory at a time.
///
/// # Errors
/// The errors of [`super::read`], reported at once: the header is checked against the file's size before any
/// row is read. `rows` is 0.
///
/// ```
/// use active_index_index::npy;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("descriptors.npy");
/// npy::write(&path, &[1.0, 0.0, 0.6, 0.8, 0.0, 1.0], 2)?;
/// let blocks = npy::read_blocks(&path, 2)?;
/// assert_eq!((blocks.n(), blocks.d()), (3, 2));
/// let sizes: Vec<usize> = blocks.map(|block| block.map(|rows| rows.n)).collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [2, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_blocks(path: &Path, rows: usize) -> Result<Blocks> {
    if rows == 0 {
        return Err(Error::argument("rows of a block", "at least 1", rows));
    }
    let open = || {
        let mut file = open_regular(path)?;
        let length = file.metadata()?.len();
        let [n, d] = read_shape(&mut file, length)?;
        Ok(Blocks { file, path: path.to_owned(), n, d, rows, next: 0 })
    };
    open().map_err(|error: Error| error.in_file(path))
}

/// Iterator over the rows of a file in blocks of the size passed to [`read_blocks`]; the last may be smaller.
/// A non-finite or unreadable row is an error and ends the iteration.
#[derive(Debug)]
pub struct Blocks {
    /// File, positioned at row `next`.
    file: File,
    path: PathBuf,
    n: usize,
    d: usize,
    rows: usize,
    next: usize,
}

impl Blocks {
    /// Number of rows in the file.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Length of a row.
    pub fn d(&self) -> usize {
        self.d
    }

    fn read(&mut self, n: usize) -> Result<Matrix> {
        let values = read_values(&mut self.file, n * self.d)?;
        check_finite("descriptors", &values, self.d).map_err(|error| match error {
            Error::NotFinite { what, row } => Error::NotFinite { what, row: self.next + row },
            other => other,
        })?;
        Ok(Matrix { values, n, d: self.d })
    }
}

impl Iterator for Blocks {
    type Item = Result<Matrix>;

    fn next(&mut self) -> Option<Self::Item> {
        let n = self.rows.min(self.n - self.next);
        if n == 0 {
            return None;
        }
        let block = self.read(n);
        self.next = if block.is_ok() { self.next + n } else { self.n };
        Some(block.map_err(|error| error.in_file(&self.path)))
    }
}
