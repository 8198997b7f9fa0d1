//! `collection index`: makes segments of the entries that are in none, or of one shard of them.

use std::time::Instant;

use anyhow::Result;
use collection::Indexed;
use serde::Serialize;
use shard::Shard;

use crate::{
    args::CollectionIndex,
    inputs::{self, sharding},
    report::Report,
    session::{Outcome, Session},
};

/// Largest number of shards that are named.
const NAMED: usize = 10;

/// Result of an indexing run.
#[derive(Serialize)]
struct IndexReport {
    collection: String,
    /// `"I/N"`; absent if all entries were indexed.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    /// Entries of the shard.
    entries: u64,
    /// Shards that are not made yet.
    waiting: Vec<u32>,
}

pub fn run(arguments: &CollectionIndex, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let address = &arguments.collection;
    let shard = sharding::shard_of("entries", arguments.shard, session)?;
    let collection = inputs::collection::open(address, &session.device_for_files()?.device, session)?;
    let (share, of) = shard.map_or((0, 1), |shard: Shard| (shard.index(), shard.of()));
    let Indexed { entries, waiting } = collection.index(share, of)?;
    let seconds = started.elapsed().as_secs_f64();
    let shard = shard.map(|shard| shard.to_string());
    let report = Report::new(IndexReport { collection: address.to_string(), shard, entries, waiting });
    let report = report.after(seconds);
    session.result(&report, || text(&report.body, seconds))?;
    Ok(Outcome::Done)
}

fn text(IndexReport { collection, shard, entries, waiting }: &IndexReport, seconds: f64) -> String {
    let Some(shard) = shard else {
        return format!("{collection}: {entries} entries indexed in {seconds:.1} s");
    };
    let then = match waiting.len() {
        0 => "all shards are in use".to_owned(),
        more if more > NAMED => format!("{more} shards are not made yet"),
        _ => {
            let named: Vec<String> = waiting.iter().map(u32::to_string).collect();
            format!("not made yet: {}", named.join(" "))
        }
    };
    format!("{collection}: {entries} entries of shard {shard} indexed in {seconds:.1} s; {then}")
}
