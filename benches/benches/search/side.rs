//! The two sides of a comparison.

use std::{path::Path, process::Command};

use anyhow::Result;
use benches::Side;

/// Starts this program as our side.
pub fn ours(folder: &Path, threads: usize) -> Result<Side> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--serve");
    Side::start("ours", command, folder, threads)
}

/// Starts faiss in the given Python.
pub fn faiss(python: &Path, script: &Path, folder: &Path, threads: usize) -> Result<Side> {
    let mut command = Command::new(python);
    command.arg(script).arg("serve");
    Side::start("faiss", command, folder, threads)
}
