//! `collection export`: all live entries as one index, and a table of all entries.

use std::{fs, io, path::Path, time::Instant};

use anyhow::{Context, Result};
use collection::{Collection, Entry, Page};
use csv::{Terminator, WriterBuilder};
use image_file::path_text;
use serde::Serialize;
use serde_json::Value;
use walkdir::{DirEntry, WalkDir};

use super::list::pages;
use crate::{
    args::CollectionExport,
    inputs,
    outputs::{Content, Outputs},
    report::{Report, table::table},
    session::{Outcome, Session, whole_file::write_whole},
    side_files::{entry_names::Names, extractor_record},
    verbs::index::save,
};

/// Headings of the table of entries.
const HEADINGS: [&str; 8] = ["id", "name", "state", "file", "pending", "added", "original", "meta"];
/// Ids whose names are read at once.
const NAMED: usize = 10_000;

/// Written files.
#[derive(Serialize)]
struct ExportReport {
    collection: String,
    files: Vec<ExportedFile>,
}

#[derive(Serialize)]
struct ExportedFile {
    file: String,
    entries: usize,
    bytes: u64,
}

pub fn run(arguments: &CollectionExport, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let advice = "name another file, or add --force to replace it";
    let mut outputs = Outputs::default().and_any(arguments.entries.as_ref(), Content::Table(HEADINGS[0]));
    if let Some(out) = &arguments.out {
        outputs = outputs.and_index(out, (!arguments.force).then_some(advice));
    }
    // The files of the collection itself are never replaced.
    let inside = arguments.collection.folder().into_iter().flat_map(WalkDir::new).flatten();
    outputs.check(inside.map(DirEntry::into_path))?;
    let device = session.device_for_files()?.device;
    let collection = inputs::collection::open(&arguments.collection, &device, session)?;
    let mut files = Vec::new();
    if let Some(out) = &arguments.out {
        files.push(ExportedFile::new(out, export_index(&collection, out, session)?)?);
    }
    if let Some(entries) = &arguments.entries {
        files.push(ExportedFile::new(entries, export_table(&collection, entries)?)?);
    }
    let seconds = started.elapsed().as_secs_f64();
    let collection = arguments.collection.to_string();
    let report = Report::new(ExportReport { collection, files }).after(seconds);
    session.result(&report, || text(&report.body, seconds))?;
    Ok(Outcome::Done)
}

impl ExportedFile {
    fn new(path: &Path, entries: usize) -> Result<Self> {
        let named = || path_text(path);
        Ok(Self { file: named(), entries, bytes: fs::metadata(path).with_context(named)?.len() })
    }
}

/// Writes the index, its names and the record of the extractor. Returns the number of entries.
fn export_index(collection: &Collection, out: &Path, session: &Session) -> Result<usize> {
    let _lock = session.lock_output(out)?;
    let index = collection.export()?;
    // A record is removed until it applies to the index in the file.
    let record = extractor_record::of_index(out);
    extractor_record::replace(&record, None)?;
    save(&index, out, Some(names(collection, &index.ids())?))?;
    extractor_record::replace(&record, inputs::collection::recorded_extractor(collection)?.as_ref())?;
    Ok(index.ntotal())
}

fn names(collection: &Collection, ids: &[i64]) -> Result<Names> {
    let mut names = Names::new();
    for ids in ids.chunks(NAMED) {
        let entries = collection.entries(ids)?.into_iter().flatten();
        names.extend(entries.map(|entry| (entry.id, entry.name)));
    }
    Ok(names)
}

/// Writes a table of all entries. Returns their number.
fn export_table(collection: &Collection, path: &Path) -> Result<usize> {
    let mut count = 0;
    write_whole(path, |sink| {
        let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(sink);
        writer.write_record(HEADINGS)?;
        let all = Page { limit: usize::MAX, ..Page::default() };
        let written = pages(collection, all, |entries| {
            count += entries.len();
            Ok(entries.iter().try_for_each(|entry| writer.write_record(record(entry)))?)
        });
        written.map_err(io::Error::other)?;
        writer.flush()
    })?;
    Ok(count)
}

fn record(entry: &Entry) -> [String; HEADINGS.len()] {
    let meta = (!entry.meta.is_empty()).then(|| Value::Object(entry.meta.clone()).to_string());
    [
        entry.id.to_string(),
        entry.name.clone(),
        entry.state.to_string(),
        entry.file.clone().unwrap_or_default(),
        entry.pending.to_string(),
        entry.added.to_string(),
        entry.original.as_ref().map(ToString::to_string).unwrap_or_default(),
        meta.unwrap_or_default(),
    ]
}

fn text(report: &ExportReport, seconds: f64) -> String {
    let row = |file: &ExportedFile| {
        let counts = [file.entries.to_string(), file.bytes.to_string(), format!("{seconds:.1}")];
        [file.file.clone()].into_iter().chain(counts).collect()
    };
    table(&["file", "entries", "bytes", "seconds"], 1, report.files.iter().map(row))
}
