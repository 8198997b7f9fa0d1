//! Rows of a `.npy` file.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use burn::tensor::Device;
use collection::{Collection, Digest, NewEntry, Stored};
use image_file::{path_of_text, path_text};
use index::npy::{self, Matrix};
use serde::Serialize;

use super::{Counts, report_known};
use crate::{
    args::CollectionAdd,
    inputs::{self, meta::MetaFields},
    report::{Report, table::table},
    session::{Outcome, Session, interrupt::Watch, progress},
    side_files::{
        entry_names::{self, Names},
        extractor_record::Source,
    },
};

/// Rows that are committed together; 16 MiB of 512 values each.
pub const BLOCK: usize = 8192;

/// Descriptors added to a collection.
#[derive(Serialize)]
struct AddReport {
    collection: String,
    #[serde(flatten)]
    counts: Counts,
    /// Id of the entry of each row: `[n]`.
    ids: Vec<i64>,
}

pub fn run(file: &Path, arguments: &CollectionAdd, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let meta = MetaFields::read(&arguments.meta)?;
    let chosen = session.device()?;
    let collection = inputs::collection::open(&arguments.collection, &chosen.device, session)?;
    let blocks = npy::read_blocks(file, BLOCK)?;
    let n = blocks.n();
    let names = names(file, arguments.names.as_deref(), n)?;
    match Source::descriptors(file)?.record {
        Some(record) => {
            inputs::collection::require_extractor(&collection, &record).with_context(|| path_text(file))?
        }
        None => session.detail(|| format!("{}: has no extractor record", path_text(file))),
    }
    let entry = |row: usize, descriptor: &[f32]| {
        let name = names.get(&(row as i64)).cloned().unwrap_or_else(|| format!("{}:{row}", path_text(file)));
        let meta = meta.of(&path_of_text(&name));
        NewEntry { meta, ..NewEntry::added(name, Some(Digest::of_descriptor(descriptor))) }
    };
    let (counts, ids) =
        added(blocks, entry, &collection, &chosen.device, session).with_context(|| path_text(file))?;
    inputs::collection::refit(&collection, session);
    let seconds = started.elapsed().as_secs_f64();
    let collection = arguments.collection.to_string();
    let report = Report::new(AddReport { collection, counts, ids }).on(&chosen.name).after(seconds);
    session.result(&report, || text(&report.body, seconds))?;
    Ok(counts.outcome())
}

/// Reads the names of rows: from the file that the user names, else from the one beside the descriptors if there is one.
fn names(file: &Path, named: Option<&Path>, n: usize) -> Result<Names> {
    let beside = entry_names::of_descriptors(file);
    match named {
        Some(path) => entry_names::of_rows(path, n),
        None if beside.exists() => entry_names::of_rows(&beside, n),
        None => Ok(Names::new()),
    }
}

/// Adds blocks of rows until all are done or the user presses Ctrl-C. Returns the ids of those that are entries.
fn added(
    blocks: npy::Blocks,
    entry: impl Fn(usize, &[f32]) -> NewEntry,
    collection: &Collection,
    device: &Device,
    session: &Session,
) -> Result<(Counts, Vec<i64>)> {
    let n = blocks.n();
    let (bar, watch) = (progress::bar(n, "adding"), Watch::start());
    let (mut counts, mut ids) = (Counts::default(), Vec::new());
    for block in blocks {
        let block: Matrix = block?;
        let rows = block.values.chunks_exact(block.d).enumerate();
        let entries: Vec<NewEntry> = rows.map(|(row, values)| entry(ids.len() + row, values)).collect();
        let stored = collection.store(&entries, block.into_tensor(device))?;
        for (stored, entry) in stored.iter().zip(&entries) {
            match stored {
                Stored::Known(known) => {
                    counts.already += 1;
                    let location = &collection.description().location;
                    bar.suspend(|| report_known(&entry.name, &entry.name, known, location, session));
                }
                Stored::New(_) | Stored::Completed(_) => counts.added += 1,
            }
            ids.push(stored.id());
        }
        bar.set_position(ids.len() as u64);
        bar.suspend(|| session.detail(|| format!("{} descriptors committed", stored.len())));
        if watch.is_requested() && ids.len() < n {
            counts.interrupted = true;
            break;
        }
    }
    bar.finish_and_clear();
    counts.left = n - ids.len();
    Ok((counts, ids))
}

/// Formats the report as a table of one row.
fn text(report: &AddReport, seconds: f64) -> String {
    let Counts { added, already, .. } = report.counts;
    let numbers = [added, already].map(|count| count.to_string());
    let rest = [format!("{seconds:.1}"), report.collection.clone()];
    let row = numbers.into_iter().chain(rest).collect();
    let row = table(&["added", "there already", "seconds", "collection"], 0, [row]);
    format!("{row}{}", report.counts.line())
}
