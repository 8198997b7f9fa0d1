//! Vectors and the quantiser that all sides use, made once by the peers' script.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use half::{f16, slice::HalfFloatSliceExt};

use crate::arguments::Arguments;

/// Dimension of the descriptors, as in `peers/collection_peers.py`.
pub const D: usize = 512;

/// Folder of files for one largest size; `peers/collection_peers.py` documents their contents.
pub struct Data {
    pub folder: PathBuf,
    pub python: PathBuf,
}

impl Data {
    /// Resolves relative paths from the workspace's root, because cargo runs benchmarks in the folder of their package.
    pub fn new(arguments: &Arguments, python: OsString) -> Self {
        let root = benches::root();
        let python = PathBuf::from(python);
        let is_path = python.components().count() > 1;
        let python = if is_path { root.join(python) } else { python };
        let name = format!("collection-{}-{}", largest(arguments), arguments.nlist);
        Self { folder: root.join(&arguments.data).join(name), python }
    }

    /// Path of one of the files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes the missing files.
    pub fn prepare(&self, arguments: &Arguments) -> Result<()> {
        let mut command = Command::new(&self.python);
        command.arg(script("collection_peers.py")).arg("prepare").arg(&self.folder);
        let smallest = arguments.sizes.iter().copied().min().unwrap_or(0);
        command.args([largest(arguments), smallest, arguments.nlist].map(|number| number.to_string()));
        command.args(arguments.descriptors.as_ref().map(|file| benches::root().join(file)));
        let status = command.status().context("cannot run PEER_PYTHON")?;
        ensure!(status.success(), "preparing the vectors failed: {status}");
        Ok(())
    }
}

fn largest(arguments: &Arguments) -> usize {
    arguments.sizes.iter().copied().max().unwrap_or(0)
}

/// Path of a script in `peers/`.
pub fn script(name: &str) -> PathBuf {
    benches::root().join("benches/peers").join(name)
}

/// Rows `first..first + count` of a raw file of float16, in float32.
pub fn read_rows(path: &Path, first: usize, count: usize) -> Result<Vec<f32>> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    file.seek(SeekFrom::Start((first * D * size_of::<f16>()) as u64))?;
    let mut halves = vec![f16::ZERO; count * D];
    file.read_exact(bytemuck::cast_slice_mut(&mut halves)).with_context(|| path.display().to_string())?;
    let mut rows = vec![0.0; halves.len()];
    halves.convert_to_f32_slice(&mut rows);
    Ok(rows)
}
