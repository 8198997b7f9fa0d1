//! `index train`, `index add`, `index remove`, `index merge`, `index info`.

mod add;
mod index_report;
mod merge;
mod remove;
mod train;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use burn::tensor::Device;
use image_file::path_text;
use index::Index;

use self::index_report::{Change, IndexReport};
use crate::{
    args::IndexVerb,
    report::Report,
    session::{Outcome, Session, interrupt},
    side_files::entry_names::{self, Names},
};

pub fn run(verb: &IndexVerb, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let computes = matches!(verb, IndexVerb::Train(_) | IndexVerb::Add(_));
    let chosen = if computes { session.device()? } else { session.device_for_files()? };
    let Changed { index, file, change } = changed(verb, &chosen.device, session)?;
    let bytes = fs::metadata(file).with_context(|| path_text(file))?.len();
    let report = IndexReport::new(&index, change, bytes, started.elapsed());
    // Changes write the lists into the file of the index.
    let report = match (verb, index.lists_file()) {
        (IndexVerb::Info { .. }, lists) => report.with_lists_file(lists),
        (_, Some(lists)) => {
            let (file, lists) = (path_text(file), path_text(lists));
            session.note(&format!("{file} now holds its inverted lists; it no longer needs {lists}"));
            report
        }
        (_, None) => report,
    };
    let report = Report::new(report);
    session.result(&report, || report.body.text())?;
    Ok(Outcome::of(change.missing.is_some_and(|missing| missing > 0)))
}

/// An index after a verb.
struct Changed<'a> {
    index: Index,
    file: &'a PathBuf,
    change: Change,
}

fn changed<'a>(verb: &'a IndexVerb, device: &Device, session: &Session) -> Result<Changed<'a>> {
    let (index, file, change) = match verb {
        IndexVerb::Train(arguments) => {
            (train::train(arguments, device, session)?, &arguments.out, Change::default())
        }
        IndexVerb::Add(arguments) => {
            (add::add(arguments, device, session)?, &arguments.index, Change::default())
        }
        IndexVerb::Remove(arguments) => {
            let (index, change) = remove::remove(arguments, device, session)?;
            (index, &arguments.index, change)
        }
        IndexVerb::Merge(arguments) => {
            let (index, change) = merge::merge(arguments, device, session)?;
            (index, arguments.out.as_ref().unwrap_or(&arguments.index), change)
        }
        IndexVerb::Info { index } => (Index::open(index, device)?, index, Change::default()),
    };
    Ok(Changed { index, file, change })
}

/// Opens an index that will be changed, by the holder of its lock.
fn open(path: &Path, device: &Device) -> Result<Index> {
    let index = Index::open(path, device)?;
    entry_names::settle(path, index.ntotal())?;
    Ok(index)
}

/// Writes an index and, if they changed, the names of its entries. The caller holds the lock of the index.
pub fn save(index: &Index, path: &Path, names: Option<Names>) -> Result<()> {
    names.map_or(Ok(()), |names| entry_names::stage(path, index.ntotal(), names))?;
    let held = interrupt::hold_off();
    index.write(path)?;
    drop(held);
    entry_names::settle(path, index.ntotal())
}
