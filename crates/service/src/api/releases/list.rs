//! Lists of releases, page by page.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use serde::Deserialize;

use super::{jobs_of, view::ReleaseList};
use crate::{
    api::{
        json,
        parameters::{Query, collection, cursor_of, limit_within},
    },
    app::App,
    jobs::{JobPage, ReleaseState},
    problem::Problem,
};

/// Releases of a page unless a limit is named.
const LIMIT: usize = 100;
/// Largest number of releases of a page.
const MOST: usize = 1000;

/// Releases that a list shows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
    /// State of the releases; all unless one is named.
    #[param(inline)]
    state: Option<ReleaseState>,
    /// Largest number of releases, up to 1,000; 100 unless it is named.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Place at which the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Lists releases, the newest first.
#[utoipa::path(get, path = "/v1/releases", tag = "releases", params(ListParameters), responses(
    (status = 200, body = ReleaseList, description = "A page of the list"),
    (status = 400, description = "Malformed parameters"),
    (status = 404, description = "No such collection"),
    (status = 501, description = "This service releases nothing"),
    (status = 503, description = "Another service works in the folder of releases"),
))]
pub async fn list(
    State(app): State<Arc<App>>,
    Query(parameters): Query<ListParameters>,
) -> Result<Response, Problem> {
    let served = collection(&app, parameters.collection.as_deref())?;
    let limit = limit_within(parameters.limit, LIMIT, MOST)?;
    let after = cursor_of(parameters.cursor.as_deref())?;
    // One more tells whether the list goes on.
    let page = JobPage { state: parameters.state, after, limit: limit + 1 };
    let mut jobs = jobs_of(served)?.page(&page)?;
    let goes_on = jobs.len() > limit;
    jobs.truncate(limit);
    let mut list = ReleaseList::new(served.name(), &jobs);
    list.next = jobs.last().filter(|_| goes_on).map(|(id, _)| id.to_string());
    json(&list)
}
