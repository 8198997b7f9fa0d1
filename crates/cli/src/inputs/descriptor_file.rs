//! A file of descriptors in the place of images.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use image_file::path_text;

/// Returns the only input if it is a `.npy` file, or `None` if all are images and folders.
///
/// # Errors
/// If there is a `.npy` file among others.
pub fn only(inputs: &[PathBuf]) -> Result<Option<&Path>> {
    let is_descriptors =
        |path: &&PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy"));
    match (inputs.iter().find(is_descriptors), inputs.len()) {
        (None, _) => Ok(None),
        (Some(file), 1) => Ok(Some(file)),
        (Some(file), _) => bail!("{}: expected one .npy file alone, or images and folders", path_text(file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_come_alone() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(only(&paths(&["a.jpg", "b"])).unwrap(), None);
        assert_eq!(only(&paths(&["a/b.NPY"])).unwrap(), Some(Path::new("a/b.NPY")));
        assert!(only(&paths(&["a.npy", "b.jpg"])).is_err());
        assert!(only(&paths(&["a.npy", "b.npy"])).is_err());
    }
}
