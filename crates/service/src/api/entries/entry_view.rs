//! Entries as JSON.

use collection::{Entry, Meta, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{lookup::SCHEMA, problem::Problem, served::Served};

/// State of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StateName {
    /// Found by lookups.
    Live,
    /// Not found until it is restored.
    Withdrawn,
    /// Withdrawn, and its descriptor is gone.
    Dropped,
}

impl From<State> for StateName {
    fn from(state: State) -> Self {
        match state {
            State::Live => Self::Live,
            State::Withdrawn => Self::Withdrawn,
            State::Dropped => Self::Dropped,
        }
    }
}

impl From<StateName> for State {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Live => Self::Live,
            StateName::Withdrawn => Self::Withdrawn,
            StateName::Dropped => Self::Dropped,
        }
    }
}

/// Entry of a collection. The path of its file is not told, because it is a path of the server.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EntryView {
    /// Id, unique in the collection and never given twice.
    id: i64,
    /// Name; need not be unique.
    name: String,
    /// State.
    state: StateName,
    /// Time at which it was stored, in seconds since 1970.
    added: i64,
    /// True for an image that was released, false for one that was added as it is.
    released: bool,
    /// True while its released file is not yet written.
    pending: bool,
    /// SHA-256 of what the entry was made from, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
    /// Fields.
    #[serde(skip_serializing_if = "Meta::is_empty")]
    #[schema(value_type = Object)]
    meta: Meta,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry { id, name, original, state, file, pending, added, meta } = entry;
        let (state, original) = (state.into(), original.map(|digest| digest.to_string()));
        Self { id, name, state, added, released: file.is_some(), pending, original, meta }
    }
}

/// Entry and the collection that it is in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EntryAnswer {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    collection: String,
    /// The entry.
    entry: EntryView,
}

impl EntryAnswer {
    pub fn new(collection: &str, entry: Entry) -> Self {
        Self { schema: SCHEMA, collection: collection.to_owned(), entry: entry.into() }
    }
}

/// Reads an entry.
///
/// # Errors
/// A problem with status 404 if there is none.
pub fn read(served: &Served, id: i64) -> Result<EntryAnswer, Problem> {
    let missing = || Problem::not_found(format!("no entry of {} has the id {id}", served.name()));
    let entry = served.collection().entry(id)?.ok_or_else(missing)?;
    Ok(EntryAnswer::new(served.name(), entry))
}
