//! Lists of entries: their parameters and their content.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use collection::{Count, Entry, Listing, NameFilter, Order, Page, Selection};
use serde::{Deserialize, Serialize};

use super::{PATH, list_view};
use crate::{
    api::{
        catalogue::with_catalogue,
        parameters::{Query, filter},
    },
    app::App,
    pages::{
        address::{address, chosen, name_of},
        layout::{self, Tab},
    },
    problem::Problem,
    served::Served,
};

/// Entries of a page.
const LIMIT: usize = 48;
/// Rows that are read for a page, and for the count: with filters a page may be short, and the list goes on.
const VISITS: u64 = 100_000;
/// Largest number of bytes of a part of a name, and of a field with its value.
const LENGTH: usize = 1000;

/// Entries that a list shows, and their arrangement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Collection, where several are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    #[serde(default, skip_serializing_if = "StateChoice::is_any")]
    pub state: StateChoice,
    /// Part of the names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Field and value that entries must have, such as `licence=CC0`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    #[serde(default, skip_serializing_if = "View::is_grid")]
    pub view: View,
    /// Id of the entry after which the page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
    /// Entry whose state has just been changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<i64>,
}

/// State of listed entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateChoice {
    #[default]
    Any,
    Live,
    Withdrawn,
    Dropped,
}

/// Arrangement of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    #[default]
    Grid,
    Table,
}

impl StateChoice {
    /// Choices with their words.
    pub const ALL: [(Self, &str, &str); 4] = [
        (Self::Any, "any", "Any"),
        (Self::Live, "live", "Live"),
        (Self::Withdrawn, "withdrawn", "Withdrawn"),
        (Self::Dropped, "dropped", "Dropped"),
    ];

    fn is_any(&self) -> bool {
        *self == Self::Any
    }

    fn state(self) -> Option<collection::State> {
        match self {
            Self::Any => None,
            Self::Live => Some(collection::State::Live),
            Self::Withdrawn => Some(collection::State::Withdrawn),
            Self::Dropped => Some(collection::State::Dropped),
        }
    }
}

impl View {
    fn is_grid(&self) -> bool {
        *self == Self::Grid
    }
}

impl Listed {
    pub fn address(&self) -> String {
        address(PATH, self)
    }

    /// Returns true if entries are left out by a filter.
    pub fn is_filtered(&self) -> bool {
        !(self.state.is_any() && self.name.is_empty() && self.field.is_empty())
    }

    fn selection(&self) -> Result<Selection, Problem> {
        let Self { state, name, field, .. } = self;
        if name.len().max(field.len()) > LENGTH {
            return Err(Problem::bad_request(format!("name and field must have {LENGTH} bytes at most")));
        }
        let conditions: Vec<String> =
            Some(field.trim().to_owned()).filter(|field| !field.is_empty()).into_iter().collect();
        let name = Some(name.trim()).filter(|name| !name.is_empty());
        let name = name.map(|name| NameFilter::Part(name.to_owned()));
        Ok(Selection { state: state.state(), filter: filter(&conditions)?, name })
    }
}

/// Content of a list.
pub struct Content {
    pub collection: String,
    pub listing: Listing,
    pub count: Count,
    /// Entry whose state has just been changed.
    pub done: Option<Entry>,
}

impl Content {
    fn read(served: &Served, listed: &Listed, selection: Selection) -> Result<Self, Problem> {
        let collection = served.collection();
        let count = collection.count(&selection, VISITS)?;
        let page = Page { selection, order: Order::NewestFirst, after: listed.cursor, limit: LIMIT };
        Ok(Self {
            collection: served.name().to_owned(),
            listing: collection.listing(&page, VISITS)?,
            count,
            done: listed.done.map(|id| collection.entry(id)).transpose()?.flatten(),
        })
    }
}

/// Lists entries.
pub async fn list(State(app): State<Arc<App>>, Query(listed): Query<Listed>) -> Result<Response, Problem> {
    let served = chosen(&app, listed.collection.as_deref())?;
    let listed = Listed { collection: name_of(&app, served), ..listed };
    let (selection, wanted) = (listed.selection()?, listed.clone());
    let read = move |served: &Served| Content::read(served, &wanted, selection);
    let content = with_catalogue(&app, served, read).await?;
    Ok(layout::page(&app, "Collection", Tab::Collection, list_view::page(&app, &listed, &content)))
}
