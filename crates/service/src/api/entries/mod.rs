//! Routes of entries: lists, fields, withdrawing and restoring.

mod change;
mod entry_view;
mod list;
mod picture;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header::ETAG},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use self::entry_view::read;
pub use self::{
    change::{Change, SettableState, apply},
    entry_view::EntryAnswer,
    list::*,
    picture::*,
};
use super::{
    catalogue::with_catalogue,
    json,
    parameters::{Path, Query, collection},
    tag::{self, Condition},
};
use crate::{app::App, problem::Problem};

/// Collection of an entry.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryParameters {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
}

/// Answers with an entry.
#[utoipa::path(get, path = "/v1/entries/{id}", tag = "entries",
    params(("id" = i64, Path, description = "Id of the entry"), EntryParameters,
        ("if-none-match" = Option<String>, Header, description = "Tag of the entry as the caller knows it")),
    responses(
        (status = 200, body = EntryAnswer, description = "The entry",
            headers(("etag" = String, description = "Tag of the entry as it is"))),
        (status = 304, description = "The entry is as the caller knows it"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or entry"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(EntryParameters { collection: name }): Query<EntryParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = collection(&app, name.as_deref())?;
    let answer = with_catalogue(&app, served, move |served| read(served, id)).await?;
    let tag = tag::of(&answer)?;
    match Condition::none_match(&headers).is_met_by(&tag) {
        true => tagged(&answer, tag),
        false => Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response()),
    }
}

/// Changes fields and the state of an entry.
///
/// The body is a merge patch (RFC 7396) of `meta` and `state`: fields that are named take new values, null removes a field.
#[utoipa::path(patch, path = "/v1/entries/{id}", tag = "entries",
    params(("id" = i64, Path, description = "Id of the entry"), EntryParameters,
        ("if-match" = Option<String>, Header, description = "Tag that the entry must have")),
    request_body(content((Change = "application/json"), (Change = "application/merge-patch+json"))),
    responses(
        (status = 200, body = EntryAnswer, description = "The entry as it is now",
            headers(("etag" = String, description = "Tag of the entry as it is"))),
        (status = 400, description = "Malformed parameters or body"),
        (status = 404, description = "No such collection or entry"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 409, description = "The entry was dropped by a compaction"),
        (status = 412, description = "The entry has another tag"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is no JSON"),
        (status = 422, description = "The fields are too large"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(EntryParameters { collection: name }): Query<EntryParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let change = Change::read(&app, &headers, body).await?;
    changed(&app, name.as_deref(), id, &headers, change).await
}

/// Withdraws an entry: it is found no more, until it is restored.
#[utoipa::path(delete, path = "/v1/entries/{id}", tag = "entries",
    params(("id" = i64, Path, description = "Id of the entry"), EntryParameters,
        ("if-match" = Option<String>, Header, description = "Tag that the entry must have")),
    responses(
        (status = 200, body = EntryAnswer, description = "The entry as it is now",
            headers(("etag" = String, description = "Tag of the entry as it is"))),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or entry"),
        (status = 409, description = "The entry was dropped by a compaction"),
        (status = 412, description = "The entry has another tag"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(EntryParameters { collection: name }): Query<EntryParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    changed(&app, name.as_deref(), id, &headers, Change::of_state(SettableState::Withdrawn)).await
}

/// Restores a withdrawn entry: it is found again.
#[utoipa::path(post, path = "/v1/entries/{id}/restore", tag = "entries",
    params(("id" = i64, Path, description = "Id of the entry"), EntryParameters,
        ("if-match" = Option<String>, Header, description = "Tag that the entry must have")),
    responses(
        (status = 200, body = EntryAnswer, description = "The entry as it is now",
            headers(("etag" = String, description = "Tag of the entry as it is"))),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or entry"),
        (status = 409, description = "The entry was dropped by a compaction"),
        (status = 412, description = "The entry has another tag"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn restore(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(EntryParameters { collection: name }): Query<EntryParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    changed(&app, name.as_deref(), id, &headers, Change::of_state(SettableState::Live)).await
}

async fn changed(
    app: &App,
    name: Option<&str>,
    id: i64,
    headers: &HeaderMap,
    change: Change,
) -> Result<Response, Problem> {
    let (served, condition) = (collection(app, name)?, Condition::matches(headers));
    let answer = with_catalogue(app, served, move |served| apply(served, id, &condition, &change)).await?;
    let tag = tag::of(&answer)?;
    tagged(&answer, tag)
}

fn tagged(answer: &EntryAnswer, tag: String) -> Result<Response, Problem> {
    let mut response = json(answer)?;
    response.headers_mut().insert(ETAG, tag.parse().map_err(Problem::internal)?);
    Ok(response)
}
