//! Progress of runs in shards, as `collection info` shows it.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use collection::Collection;
use humantime::format_duration;
use shard::Record;

use crate::session::Session;

/// Largest number of shards that are named in a row.
const NAMED: usize = 10;

/// Returns the records of all runs, by run, verb and shard. One that is damaged or of a later version is noted on stderr.
///
/// # Errors
/// If the collection cannot be read.
pub fn records(collection: &Collection, session: &Session) -> Result<Vec<Record>> {
    let location = &collection.description().location;
    let parsed = |(name, text): (String, String)| {
        let record = Record::parse(&text);
        if record.is_none() {
            session.note(&format!("{location}: the record of the run {name} cannot be read"));
        }
        record
    };
    let mut records: Vec<Record> = collection.run_records()?.into_iter().filter_map(parsed).collect();
    records.sort_by(|a, b| (&a.run, &a.verb, a.of, a.shard).cmp(&(&b.run, &b.verb, b.of, b.shard)));
    Ok(records)
}

/// Rows of a table, one for each run, as of `now` in seconds since 1970.
pub fn rows(records: &[Record], now: i64) -> impl Iterator<Item = Vec<String>> {
    records.chunk_by(|a, b| a.is_of_run(b)).map(move |shards| row(shards, now))
}

fn row(shards: &[Record], now: i64) -> Vec<String> {
    let sum = |of: fn(&Record) -> u64| shards.iter().map(of).fold(0, u64::saturating_add);
    let of = shards[0].of;
    let begun: BTreeSet<u32> = shards.iter().map(|shard| shard.shard).collect();
    let not_done: Vec<u32> = shards.iter().filter(|shard| !shard.done).map(|shard| shard.shard).collect();
    let counted = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let counts = [
        Some(format!("{} of {of} shards done", begun.len() - not_done.len())),
        counted(sum(|shard| shard.stored), "images stored"),
        counted(sum(|shard| shard.already), "there already"),
        counted(sum(|shard| shard.failed), "failed"),
        named("not done", not_done.len(), not_done.iter().copied()),
        named("not begun", of as usize - begun.len(), (0..of).filter(|shard| !begun.contains(shard))),
    ];
    let heard = shards.iter().map(|shard| shard.updated).max().unwrap_or_default();
    let ago = format_duration(Duration::from_secs(now.saturating_sub(heard).max(0) as u64));
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let name = format!("{} ({})", shards[0].work, shards[0].run);
    vec![name, format!("{}; last heard of {ago} ago", counts.join(", "))]
}

/// Names the first of `count` shards; `None` if there is none.
fn named(what: &str, count: usize, shards: impl Iterator<Item = u32>) -> Option<String> {
    let first: Vec<String> = shards.take(NAMED).map(|shard| shard.to_string()).collect();
    let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
    (count > 0).then(|| format!("{what}: {}{more}", first.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shard::{RunName, Shard};

    fn record(run: &str, shard: u32, of: u32, done: bool) -> Record {
        let shard = Shard::new(shard, of).unwrap();
        let run: RunName = run.parse().unwrap();
        let new = Record::new(run, "release", "photos", shard, 9);
        Record { stored: 4, already: 3, failed: 2, done, updated: 1000, ..new }
    }

    #[test]
    fn a_row_counts_shards_and_images_and_names_what_is_missing() {
        let records = [record("a", 0, 4, true), record("a", 2, 4, false), record("b", 0, 1, true)];
        let found: Vec<Vec<String>> = rows(&records, 1061).collect();
        let first = "1 of 4 shards done, 8 images stored, 6 there already, 4 failed, not done: 2, not begun: 1 3; last heard of 1m 1s ago";
        let second =
            "1 of 1 shards done, 4 images stored, 3 there already, 2 failed; last heard of 1m 1s ago";
        assert_eq!(found, [["release of photos (a)", first], ["release of photos (b)", second]]);
    }

    #[test]
    fn verbs_and_numbers_of_shards_have_rows_of_their_own() {
        let added =
            Record { verb: "add".to_owned(), work: "add of photos".to_owned(), ..record("a", 0, 2, true) };
        let records = [added, record("a", 0, 2, true), record("a", 1, 2, true), record("a", 0, 3, true)];
        let found: Vec<Vec<String>> = rows(&records, 1000).collect();
        let starts = [
            ("add of photos (a)", "1 of 2 shards done, "),
            ("release of photos (a)", "2 of 2 shards done, "),
            ("release of photos (a)", "1 of 3 shards done, "),
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for (row, (name, start)) in found.iter().zip(starts) {
            assert!(row[0] == name && row[1].starts_with(start), "{row:?}");
        }
    }

    #[test]
    fn many_shards_are_counted() {
        let records = [record("a", 0, 1_000_000, true)];
        let row = rows(&records, 1000).next().unwrap();
        assert!(row[1].contains("not begun: 1 2 3 4 5 6 7 8 9 10 and 999989 more"), "{row:?}");
    }
}
