//! Lists of entries, their counts, lookups of entries, and changes of their fields.
//!
//! A list is read in windows of ids, each with the narrow columns that its selection needs; whole rows are read of the
//! entries that a page shows. Every page is that of one version.

mod conditions;
mod days;
mod fields;
mod largest_id;
mod lookups;
mod walk;

pub use days::{Tallies, days, totals};
pub use fields::set_meta;
pub use lookups::{by_ids, ids_of_name, known};

use std::sync::Arc;

use collection::{Count, Entry, Listing, Order, Page, Result, Selection};
use futures_util::TryStreamExt;
use lance::Dataset;

use self::{
    conditions::Conditions,
    walk::{MOST_ROWS, Walk, Window},
};
use crate::{
    entries::{ENTRY, entries},
    table::Table,
};

/// Rows of a table that is scanned for each window of a list.
const SCANNED: u64 = 1 << 18;
/// Whole rows that are read at a time.
const TAKEN: usize = 4096;

/// Entries of a page; see [`Engine::listing`](collection::Engine::listing).
pub async fn listing(table: &Table, page: &Page, visits: u64) -> Result<Listing> {
    listing_of(table, page, visits, SCANNED).await
}

/// Entries of a page of a table that is scanned if it has at most `scanned` rows.
async fn listing_of(table: &Table, page: &Page, visits: u64, scanned: u64) -> Result<Listing> {
    let Page { selection, order, after, limit } = page;
    let dataset = table.latest().await?;
    let mut walk = Walk::new(table, &dataset, (selection, *order, *after), scanned).await?;
    let (mut left, mut next, mut selected) = (visits, *after, Vec::new());
    let mut rows = (*limit as u64).saturating_add(1).clamp(walk.least_rows(), MOST_ROWS);
    while left > 0 {
        let Some(window) = walk.next(rows.min(left)).await? else {
            return read(table, &dataset, &selected, None).await;
        };
        let Window { visited, last, selected: found } = window;
        selected.extend(found);
        // One more than asked for tells whether there is a next page.
        if selected.len() > *limit {
            selected.truncate(*limit);
            let next = selected.last().map_or(next, |(id, _)| Some(*id));
            return read(table, &dataset, &selected, next).await;
        }
        (left, next) = (left.saturating_sub(visited), Some(last));
        rows = (2 * rows).min(MOST_ROWS);
    }
    read(table, &dataset, &selected, next).await
}

/// Listing of entries by their ids and row addresses.
async fn read(
    table: &Table,
    dataset: &Arc<Dataset>,
    selected: &[(i64, u64)],
    next: Option<i64>,
) -> Result<Listing> {
    let mut read: Vec<Entry> = Vec::with_capacity(selected.len());
    for block in selected.chunks(TAKEN) {
        let addresses: Vec<u64> = block.iter().map(|(_, address)| *address).collect();
        let batch = table.take(dataset, &addresses, &ENTRY).await?;
        read.extend(entries(&batch, table.location())?);
    }
    Ok(Listing { entries: read, next })
}

/// Number of selected entries; see [`Engine::count`](collection::Engine::count).
pub async fn count(table: &Table, selection: &Selection, visits: u64) -> Result<Count> {
    count_of(table, selection, visits, SCANNED).await
}

/// Number of selected entries of a table that is scanned if it has at most `scanned` rows.
async fn count_of(table: &Table, selection: &Selection, visits: u64, scanned: u64) -> Result<Count> {
    let dataset = table.latest().await?;
    if selection.is_by_state() {
        let totals = totals(table, &dataset).await?;
        let entries = selection.state.map_or(totals.stored(), |state| totals.of(state));
        return Ok(Count { entries, is_exact: true });
    }
    if table.count(&dataset, None).await? <= visits {
        return count_all(table, &dataset, selection).await;
    }
    let mut walk = Walk::new(table, &dataset, (selection, Order::OldestFirst, None), scanned).await?;
    let (mut left, mut entries) = (visits, 0);
    while left > 0 {
        let Some(window) = walk.next(left.min(MOST_ROWS)).await? else {
            return Ok(Count { entries, is_exact: true });
        };
        (left, entries) = (left.saturating_sub(window.visited), entries + window.selected.len() as u64);
    }
    Ok(Count { entries, is_exact: false })
}

/// Number of selected entries, by one scan.
async fn count_all(table: &Table, dataset: &Dataset, selection: &Selection) -> Result<Count> {
    let conditions = Conditions::of(selection);
    let mut batches = table.scan(dataset, &conditions.columns(), conditions.filter().as_deref()).await?;
    let mut entries = 0;
    while let Some(batch) = batches.try_next().await? {
        conditions.each(&batch, table.location(), |_, _, is_selected| entries += u64::from(is_selected))?;
    }
    Ok(Count { entries, is_exact: true })
}

#[cfg(test)]
mod tests;
