//! Numbers of entries by the day on which they were stored, and by state.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use arrow_array::RecordBatch;
use collection::{Day, Error, Result, State};
use futures_util::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance_table::format::Fragment;

use crate::{entries::Columns, table::Table};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Fragments that are counted at a time.
const PARALLEL: usize = 4;

/// Numbers of the days of fragments that were counted. A fragment with the same files and deletions has the same numbers, so
/// that only new and changed ones are read.
#[derive(Default)]
pub struct Tallies {
    counted: Mutex<HashMap<String, Arc<[Day]>>>,
}

/// Numbers of the entries of each day on which one was stored, ascending.
pub async fn days(table: &Table, tallies: &Tallies) -> Result<Vec<Day>> {
    let dataset = table.latest().await?;
    let known = tallies.counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let counts = dataset.fragments().iter().map(|fragment| {
        // Names the files, the deletions and the number of rows.
        let name = format!("{fragment:?}");
        let (known, dataset) = (known.get(&name).cloned(), &dataset);
        async move {
            match known {
                Some(days) => Ok::<_, Error>((name, days)),
                None => Ok((name, days_of(table, dataset, fragment).await?.into())),
            }
        }
    });
    let counted: HashMap<String, Arc<[Day]>> = stream::iter(counts).buffered(PARALLEL).try_collect().await?;
    let mut sums = BTreeMap::new();
    counted.values().flat_map(|days| days.iter()).for_each(|day| add(&mut sums, day));
    *tallies.counted.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    Ok(sums.into_values().collect())
}

fn add(sums: &mut BTreeMap<i64, Day>, own: &Day) {
    let sum = sums.entry(own.day).or_insert(Day { day: own.day, ..Day::default() });
    sum.live += own.live;
    sum.withdrawn += own.withdrawn;
    sum.dropped += own.dropped;
}

/// Numbers of entries of all days by state. Of the rows, those that are not live are counted by the column of states alone.
pub async fn totals(table: &Table, dataset: &Dataset) -> Result<Day> {
    let of = async |state: State| table.count(dataset, Some(format!("state = {}", state.number()))).await;
    let (withdrawn, dropped) = (of(State::Withdrawn).await?, of(State::Dropped).await?);
    let live = table.count(dataset, None).await?.saturating_sub(withdrawn + dropped);
    Ok(Day { day: 0, live, withdrawn, dropped })
}

/// Numbers of the entries of a fragment.
async fn days_of(table: &Table, dataset: &Dataset, fragment: &Fragment) -> Result<Vec<Day>> {
    let mut batches = table.scan_of(dataset, &[fragment.id as u32], &["added", "state"], None).await?;
    let mut days = BTreeMap::new();
    while let Some(batch) = batches.try_next().await? {
        count(&batch, table.location(), &mut days)?;
    }
    Ok(days.into_values().collect())
}

/// Adds the rows of a batch, as many as are alike at once: entries are stored in the order of their days.
fn count(batch: &RecordBatch, location: &str, days: &mut BTreeMap<i64, Day>) -> Result<()> {
    let columns = Columns::new(batch, location);
    let (added, states) = (columns.i64("added")?.values(), columns.i8("state")?.values());
    let rows: Vec<(i64, i8)> = added.iter().zip(states).map(|(added, state)| (added / DAY, *state)).collect();
    for alike in rows.chunk_by(|a, b| a == b) {
        let (day, state) = alike[0];
        let damaged = || Error::damaged(location.as_ref(), format!("an entry has the state {state}"));
        let state = State::from_number(state.into()).ok_or_else(damaged)?;
        let day = days.entry(day).or_insert(Day { day, ..Day::default() });
        day.add(state, alike.len() as u64);
    }
    Ok(())
}
