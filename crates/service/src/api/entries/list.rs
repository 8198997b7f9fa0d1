//! Lists of entries, page by page.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use collection::{NameFilter, Order, Page, Selection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entry_view::{EntryView, StateName};
use crate::{
    api::{
        catalogue::with_catalogue,
        json,
        parameters::{Query, collection, cursor_of, filter, limit_within},
    },
    app::App,
    lookup::SCHEMA,
    problem::Problem,
    served::Served,
};

/// Entries of a page unless a limit is named.
const LIMIT: usize = 100;
/// Largest number of entries of a page.
const MOST: usize = 1000;
/// Rows that are read for a page: with filters a page may be shorter than its limit, and the list goes on.
const VISITS: u64 = 100_000;
/// Largest number of characters of a part of a name.
const NAME_LENGTH: usize = 1000;

/// Entries that a list shows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
    /// State of the entries; all unless one is named.
    #[param(inline)]
    state: Option<StateName>,
    /// Part of the names, without the case of letters.
    name: Option<String>,
    /// Field and value that entries must have, such as `licence=CC0`; may be repeated, and all must agree.
    #[serde(rename = "where", default)]
    conditions: Vec<String>,
    /// Order of the entries: `newest` first unless `oldest` is named.
    #[serde(default)]
    #[param(inline)]
    order: ListOrder,
    /// Largest number of entries, up to 1,000; 100 unless it is named.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Place at which the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Order of listed entries.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ListOrder {
    #[default]
    Newest,
    Oldest,
}

/// Page of a list.
#[derive(Serialize, ToSchema)]
struct EntryList {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    collection: String,
    /// Entries; there may be fewer than the limit, or none, although the list goes on.
    entries: Vec<EntryView>,
    /// Cursor of the next page; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists entries.
///
/// A list that is read to its end shows every entry at most once, whatever is stored meanwhile.
#[utoipa::path(get, path = "/v1/entries", tag = "entries", params(ListParameters), responses(
    (status = 200, body = EntryList, description = "A page of the list"),
    (status = 400, description = "Malformed parameters"),
    (status = 404, description = "No such collection"),
    (status = 429, description = "Too many requests at once"),
))]
pub async fn list(
    State(app): State<Arc<App>>,
    Query(parameters): Query<ListParameters>,
) -> Result<Response, Problem> {
    let served = collection(&app, parameters.collection.as_deref())?;
    let page = page(&parameters)?;
    json(&with_catalogue(&app, served, move |served| read(served, &page)).await?)
}

fn page(parameters: &ListParameters) -> Result<Page, Problem> {
    let ListParameters { state, name, conditions, order, limit, cursor, .. } = parameters;
    let limit = limit_within(*limit, LIMIT, MOST)?;
    if name.as_ref().is_some_and(|name| name.len() > NAME_LENGTH) {
        return Err(Problem::bad_request(format!("name must have {NAME_LENGTH} bytes at most")));
    }
    let state = state.map(collection::State::from);
    let order = match order {
        ListOrder::Newest => Order::NewestFirst,
        ListOrder::Oldest => Order::OldestFirst,
    };
    let after = cursor_of(cursor.as_deref())?;
    let name = name.clone().map(NameFilter::Part);
    Ok(Page { selection: Selection { state, filter: filter(conditions)?, name }, order, after, limit })
}

fn read(served: &Served, page: &Page) -> Result<EntryList, Problem> {
    let listing = served.collection().listing(page, VISITS)?;
    Ok(EntryList {
        schema: SCHEMA,
        collection: served.name().to_owned(),
        entries: listing.entries.into_iter().map(EntryView::from).collect(),
        next: listing.next.map(|id| id.to_string()),
    })
}
