//! Files of the project, as git lists them.

use std::{path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::cargo;

/// Paths of all files with this ending that git tracks or that are new and not ignored, in order.
///
/// # Errors
/// If git fails or lists nothing.
pub fn with_ending(ending: &str) -> Result<Vec<PathBuf>> {
    let pattern = format!("*.{ending}");
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", &pattern]);
    let output = git.current_dir(cargo::root()?).output()?;
    let names = String::from_utf8(output.stdout)?;
    let root = cargo::root()?;
    let paths = names.split('\0').filter(|name| !name.is_empty()).map(|name| root.join(name));
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    ensure!(!paths.is_empty(), "git lists no {pattern}");
    paths.sort();
    paths.dedup();
    Ok(paths)
}
