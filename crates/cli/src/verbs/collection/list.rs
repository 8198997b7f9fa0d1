//! `collection list`: lists entries, a page at a time.

use anyhow::Result;
use collection::{Collection, Entry, Listing, Meta, Page, Selection};
use serde::Serialize;
use serde_json::json;

use crate::{
    args::CollectionList,
    inputs,
    report::{fields_text, table::table},
    session::{Outcome, Session, output::SCHEMA},
};

/// Entries in memory at a time.
const PAGE: usize = 1000;

/// An entry, as JSON shows it.
#[derive(Serialize)]
pub struct ListedEntry<'a> {
    id: i64,
    name: &'a str,
    state: String,
    /// Path of the released file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
    /// Seconds since 1970.
    added: i64,
    /// Digest of the original, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
    #[serde(skip_serializing_if = "Meta::is_empty")]
    meta: &'a Meta,
}

impl<'a> From<&'a Entry> for ListedEntry<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            id: entry.id,
            name: &entry.name,
            state: entry.state.to_string(),
            file: entry.file.as_deref(),
            pending: entry.pending,
            added: entry.added,
            original: entry.original.as_ref().map(ToString::to_string),
            meta: &entry.meta,
        }
    }
}

pub fn run(arguments: &CollectionList, session: &Session) -> Result<Outcome> {
    let device = session.device_for_files()?.device;
    let collection = inputs::collection::open(&arguments.collection, &device, session)?;
    match session.globals().json {
        true => print_json(&collection, arguments, session)?,
        false => print_tables(&collection, arguments, session)?,
    }
    Ok(Outcome::Done)
}

/// Calls `each` with the entries that are asked for, in pages.
///
/// # Errors
/// If the collection cannot be read; errors of `each`.
pub fn pages(
    collection: &Collection,
    asked: Page,
    mut each: impl FnMut(&[Entry]) -> Result<()>,
) -> Result<()> {
    let mut left = asked.limit;
    let mut page = Page { limit: left.min(PAGE), ..asked };
    while page.limit > 0 {
        let Listing { entries, next } = collection.listing(&page, u64::MAX)?;
        if !entries.is_empty() {
            each(&entries)?;
        }
        left -= entries.len();
        page.limit = if next.is_some() { left.min(PAGE) } else { 0 };
        page.after = next;
    }
    Ok(())
}

fn asked(arguments: &CollectionList) -> Page {
    let (state, filter) = (arguments.state.map(Into::into), arguments.conditions.filter());
    let limit = arguments.limit.map_or(usize::MAX, Into::into);
    let selection = Selection { state, filter, ..Selection::default() };
    Page { selection, after: arguments.after, limit, ..Page::default() }
}

/// Prints one document, a page at a time: a collection may be larger than memory.
fn print_json(collection: &Collection, arguments: &CollectionList, session: &Session) -> Result<()> {
    let location = json!(collection.description().location);
    let mut before = format!("{{\"schema\":{SCHEMA},\"collection\":{location},\"entries\":[");
    pages(collection, asked(arguments), |entries| {
        for entry in entries {
            session.text(&format!("{before}{}", serde_json::to_string(&ListedEntry::from(entry))?))?;
            ",".clone_into(&mut before);
        }
        Ok(())
    })?;
    if before == "," {
        before.clear();
    }
    session.text(&format!("{before}]}}"))
}

fn print_tables(collection: &Collection, arguments: &CollectionList, session: &Session) -> Result<()> {
    let mut count = 0;
    pages(collection, asked(arguments), |entries| {
        count += entries.len();
        session.text(&page(entries))
    })?;
    let location = &collection.description().location;
    session.text(&match count {
        0 => format!("no entry listed of {location}"),
        1 => format!("1 entry of {location}"),
        _ => format!("{count} entries of {location}"),
    })
}

fn page(entries: &[Entry]) -> String {
    let row = |entry: &Entry| {
        let state = if entry.pending { "not written yet".to_owned() } else { entry.state.to_string() };
        vec![entry.name.clone(), fields_text(&entry.meta), state, entry.id.to_string()]
    };
    table(&["name", "fields", "state", "id"], 3, entries.iter().map(row))
}
