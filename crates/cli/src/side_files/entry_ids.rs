//! Ids of entries in a `.npy` file.

use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use npyz::NpyFile;

/// Reads ids, int64 `[n]`.
///
/// # Errors
/// If the file has another shape or type, is cut short or cannot be read; the message names it.
pub fn read(path: &Path) -> Result<Vec<i64>> {
    let read = || -> Result<Vec<i64>> {
        ensure!(fs::metadata(path)?.is_file(), "is not a regular file");
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let array = NpyFile::new(BufReader::new(file))?;
        ensure!(array.shape().len() == 1, "expected [n] as the shape, found {:?}", array.shape());
        let fits = array.len().checked_mul(8).is_some_and(|bytes| bytes <= length);
        ensure!(fits, "the header announces {} values, the file has {length} bytes", array.len());
        Ok(array.into_vec()?)
    };
    read().with_context(|| path.display().to_string())
}
