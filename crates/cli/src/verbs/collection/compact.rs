//! `collection compact`: merges segments and drops withdrawn entries.

use std::time::Instant;

use anyhow::Result;
use collection::Info;
use serde::Serialize;

use crate::{
    args::Address,
    inputs,
    report::{Report, table::table},
    session::{Outcome, Session},
};

/// A collection before and after a compaction.
#[derive(Serialize)]
struct CompactReport {
    collection: String,
    before: Numbers,
    after: Numbers,
}

#[derive(Serialize)]
struct Numbers {
    entries: u64,
    withdrawn: u64,
    segments: usize,
    /// Entries that are in no segment.
    fresh: usize,
    bytes: u64,
}

impl From<Info> for Numbers {
    fn from(Info { live, withdrawn, segments, fresh, bytes, .. }: Info) -> Self {
        Self { entries: live, withdrawn, segments, fresh, bytes }
    }
}

pub fn run(address: &Address, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let collection = inputs::collection::open(address, &session.device_for_files()?.device, session)?;
    let before = collection.info()?.into();
    collection.compact()?;
    let after = collection.info()?.into();
    let seconds = started.elapsed().as_secs_f64();
    let collection = address.to_string();
    let report = Report::new(CompactReport { collection, before, after }).after(seconds);
    session.result(&report, || text(&report.body, seconds))?;
    Ok(Outcome::Done)
}

fn text(CompactReport { collection, before, after }: &CompactReport, seconds: f64) -> String {
    let row = |what: &str, numbers: &Numbers| {
        let Numbers { entries, withdrawn, segments, fresh, bytes } = numbers;
        let counts = [*entries, *withdrawn, *segments as u64, *fresh as u64, *bytes];
        [what.to_owned()].into_iter().chain(counts.map(|count| count.to_string())).collect()
    };
    let headings = ["", "entries", "withdrawn", "segments", "in no segment", "bytes"];
    let rows = table(&headings, 1, [row("before", before), row("after", after)]);
    format!("{rows}\n{collection} compacted in {seconds:.1} s")
}
