//! `index train`, `index add`, `index remove`, `index merge`, `index info`.

mod add;
mod document;
mod merge;
mod remove;
mod train;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use index::Index;

use crate::{
    Outcome,
    args::{Globals, IndexVerb},
    device, interrupt,
    names::{self, Names},
    output::Output,
};

use document::{Change, Document};

pub fn run(verb: &IndexVerb, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let computes = matches!(verb, IndexVerb::Train(_) | IndexVerb::Add(_));
    let choose = if computes { device::choose } else { device::choose_for_files };
    let device = choose(&globals.device, output)?.device;
    let (index, path, change) = match verb {
        IndexVerb::Train(arguments) => (train::train(arguments, &device)?, &arguments.out, Change::default()),
        IndexVerb::Add(arguments) => {
            (add::add(arguments, &device, output)?, &arguments.index, Change::default())
        }
        IndexVerb::Remove(arguments) => {
            let (index, change) = remove::remove(arguments, &device, output)?;
            (index, &arguments.index, change)
        }
        IndexVerb::Merge(arguments) => {
            let (index, change) = merge::merge(arguments, &device, output)?;
            (index, arguments.out.as_ref().unwrap_or(&arguments.index), change)
        }
        IndexVerb::Info { index } => (Index::open(index, &device)?, index, Change::default()),
    };
    let bytes = fs::metadata(path).with_context(|| path.display().to_string())?.len();
    let document = Document::new(&index, change, bytes, started.elapsed());
    output.result(&document, || document.text())?;
    Ok(Outcome::of(change.missing.is_some_and(|missing| missing > 0)))
}

/// Opens an index that is going to be changed.
fn open(path: &Path, device: &Device) -> Result<Index> {
    let index = Index::open(path, device)?;
    names::settle(path, index.ntotal())?;
    Ok(index)
}

/// Writes an index and, where they changed, the names of its entries.
fn save(index: &Index, path: &Path, names: Option<Names>) -> Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all).with_context(|| path.display().to_string())?;
    names.map_or(Ok(()), |names| names::stage(path, index.ntotal(), names))?;
    let held = interrupt::hold_off();
    index.write(path)?;
    drop(held);
    names::settle(path, index.ntotal())
}

/// Ids of a .npy file: int64, shape `[n]`.
fn read_ids(path: &Path) -> Result<Vec<i64>> {
    let read = || -> Result<Vec<i64>> {
        ensure!(fs::metadata(path)?.is_file(), "is no regular file");
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        let array = npyz::NpyFile::new(std::io::BufReader::new(file))?;
        ensure!(array.shape().len() == 1, "shape is {:?}, expected [n]", array.shape());
        let fits = array.len().checked_mul(8).is_some_and(|bytes| bytes <= length);
        ensure!(fits, "{} values are announced, the file has {length} bytes", array.len());
        Ok(array.into_vec()?)
    };
    read().with_context(|| path.display().to_string())
}
