//! Lists and counts of entries, and changes of their fields.

use super::Folder;
use crate::{
    catalogue::{entries, entry_counts, lists::Window},
    engine::shared::changed_fields,
    entry::{Entry, Meta},
    error::{Error, Result},
    listing::{Count, Listing, Order, Page, Selection},
};

/// Most rows that one statement visits. A statement keeps the log from being emptied, and takes some 20 ms for so many rows.
const MOST_ROWS: u64 = 16_384;
/// Rows that the first statement of a page visits at least.
const LEAST_ROWS: u64 = 64;

/// Entries of a page; see [`Engine::listing`](crate::Engine::listing).
pub fn listing(folder: &Folder, page: &Page, visits: u64) -> Result<Listing> {
    let Page { selection, order, after, limit } = page;
    let (mut after, mut left, mut entries) = (*after, visits, Vec::new());
    let mut rows = (*limit as u64).saturating_add(1).clamp(LEAST_ROWS, MOST_ROWS);
    while left > 0 {
        // One more than asked for tells whether there is a next page.
        let lacking = limit.saturating_add(1) - entries.len();
        let visited = folder.read_list(|connection| {
            let window = Window::new(connection, selection, *order, after, rows.min(left))?;
            let read = |window: Window| Ok((window.last, window.entries(connection, selection, lacking)?));
            window.map(read).transpose()
        })?;
        let Some((last, found)) = visited else { return Ok(Listing { entries, next: None }) };
        entries.extend(found);
        if entries.len() > *limit {
            entries.truncate(*limit);
            return Ok(Listing { next: entries.last().map_or(after, |last| Some(last.id)), entries });
        }
        (after, left) = (Some(last), left - rows.min(left));
        rows = (2 * rows).min(MOST_ROWS);
    }
    Ok(Listing { entries, next: after })
}

/// Number of selected entries; see [`Engine::count`](crate::Engine::count).
pub fn count(folder: &Folder, selection: &Selection, visits: u64) -> Result<Count> {
    if selection.is_by_state() {
        let total = folder.read_list(entry_counts::total)?;
        let entries = selection.state.map_or(total.stored(), |state| total.of(state));
        return Ok(Count { entries, is_exact: true });
    }
    let (mut after, mut left, mut entries) = (None, visits, 0);
    while left > 0 {
        let rows = left.min(MOST_ROWS);
        let visited = folder.read_list(|connection| {
            let window = Window::new(connection, selection, Order::OldestFirst, after, rows)?;
            let read = |window: Window| Ok((window.last, window.count(connection, selection)?));
            window.map(read).transpose()
        })?;
        let Some((last, found)) = visited else { return Ok(Count { entries, is_exact: true }) };
        (after, left, entries) = (Some(last), left - rows, entries + found);
    }
    Ok(Count { entries, is_exact: false })
}

/// Changes fields of an entry in one transaction; see [`Engine::set_meta`](crate::Engine::set_meta).
pub fn set_meta(folder: &Folder, id: i64, changes: &Meta) -> Result<Entry> {
    let path = folder.catalogue_path();
    folder.write(|connection| {
        let entry = entries::of_id(connection, id).map_err(Error::catalogue(&path))?;
        let mut entry = entry.ok_or_else(|| Error::UnknownEntry(id.to_string()))?;
        entry.meta = changed_fields(entry.meta, changes)?;
        entries::set_meta(connection, id, &entry.meta).map_err(Error::catalogue(&path))?;
        Ok(entry)
    })
}
