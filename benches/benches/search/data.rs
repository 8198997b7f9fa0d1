//! Vectors and indexes that both sides use, made once by the peer.

use std::{
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{arguments::Arguments, workload::D};

/// Folder of files for `n` stored vectors; `peers/faiss_index.py` documents their contents.
pub struct Data {
    pub n: usize,
    pub folder: PathBuf,
    pub python: PathBuf,
}

impl Data {
    /// Resolves relative paths from the workspace's root, because cargo runs benchmarks in the folder of
    /// their package.
    pub fn new(arguments: &Arguments, python: OsString) -> Result<Self> {
        let root = std::path::absolute(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
        let python = PathBuf::from(python);
        let is_path = python.components().count() > 1;
        let python = if is_path { root.join(python) } else { python };
        let folder = root.join(&arguments.data).join(format!("n{}", arguments.n));
        Ok(Self { n: arguments.n, folder, python })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes the missing files.
    pub fn prepare(&self, names: &[&str]) -> Result<()> {
        if names.iter().all(|name| self.path(name).exists()) {
            return Ok(());
        }
        let mut command = Command::new(&self.python);
        command.arg(script("faiss_index.py")).arg("prepare").arg(&self.folder).arg(self.n.to_string());
        let status = command.args(names).status().context("cannot run PEER_PYTHON")?;
        ensure!(status.success(), "preparing {names:?} failed: {status}");
        Ok(())
    }
}

/// Path of a script in `peers/`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

/// Reads `count` vectors of `D` floats from the current position of the file, or all that remain.
pub fn read_rows(file: &mut File, count: usize) -> Result<Vec<f32>> {
    let mut rows = vec![0.0f32; count * D];
    let bytes = bytemuck::cast_slice_mut::<f32, u8>(&mut rows);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    ensure!(filled.is_multiple_of(4 * D), "the file ends within a vector");
    rows.truncate(filled / 4);
    Ok(rows)
}

/// Reads a file of i64.
pub fn read_ids(path: &Path) -> Result<Vec<i64>> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}
