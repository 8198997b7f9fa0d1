//! Route of lookups.

pub mod content;
mod fetched;
mod find_answer;
pub mod find_parameters;
mod json_list;
mod multipart;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

pub use self::content::{check_pictures, query_name};
use self::{
    content::Queries, find_answer::FindAnswer, find_parameters::FindParameters, json_list::ListedQuery,
};
use super::{
    body, json_bytes,
    parameters::{Query, collection},
};
use crate::{
    app::App,
    lookup::{Found, Queued, Request},
    problem::Problem,
};

/// Largest number of matches of an answer.
const ANSWERS: usize = 100_000;

/// Bytes of one file, for the document.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it stands in the document for bytes that have no form")]
pub struct FileBytes(Vec<u8>);

/// Looks pictures or descriptors up in a collection.
///
/// The body is one picture, several as parts of a form, descriptors as a `.npy` file of float32 `[n, d]`, or a JSON list of
/// both, which may also name addresses of pictures where the service fetches them. The answer is that of `active-index find --json`. A query of several that cannot be looked up has an `error`; a single
/// one is a problem.
#[utoipa::path(post, path = "/v1/find", tag = "lookups", params(FindParameters),
    request_body(description = "A picture, several pictures, descriptors, or a list of both", content(
        (FileBytes = "application/octet-stream"),
        (FileBytes = "image/*"),
        (Object = "multipart/form-data"),
        (FileBytes = "application/x-npy"),
        (Vec<ListedQuery> = "application/json"),
    )),
    responses(
        (status = 200, body = FindAnswer, description = "Queries and their matches"),
        (status = 400, description = "Malformed parameters or body"),
        (status = 404, description = "No such collection"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is of no type that is read, or no picture of a known format"),
        (status = 422, description = "The picture is damaged or too large, or the descriptors have another dimension"),
        (status = 429, description = "Too many lookups wait; the header retry-after says when to try again"),
        (status = 503, description = "The network is being loaded, or the service is shutting down"),
    ))]
pub async fn find(
    State(app): State<Arc<App>>,
    Query(parameters): Query<FindParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let served = collection(&app, parameters.collection.as_deref())?.clone();
    let (settings, review) = (parameters.settings()?, parameters.review()?);
    let media_type = content::MediaType::of(&headers)?;
    let upload = body::read(&app, body).await?;
    let d = served.collection().description().d;
    let Queries { mut queries, addresses, is_single } = media_type.queries(upload.bytes, d).await?;
    if let (true, Some(name), [query]) = (is_single, parameters.name.as_deref(), queries.as_mut_slice()) {
        query.name = query_name(Some(name), 0);
    }
    if queries.len().saturating_mul(settings.k) > ANSWERS {
        let detail = format!(
            "{} queries with up to {} matches each: no more than {ANSWERS} matches are answered at once",
            queries.len(),
            settings.k
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    fetched::fetch(app.fetcher.as_ref(), &mut queries, addresses).await?;
    let (shared, memory) = (served.clone(), upload.memory);
    let request = Request { served, settings, queries, is_single, keep: review.is_some(), memory };
    let form = move |found: Found| {
        let queued = review.map(|max_e| Queued::of(shared.collection(), &found, max_e));
        found.body(queued)
    };
    app.look_up(request, form).await.map(json_bytes)
}
