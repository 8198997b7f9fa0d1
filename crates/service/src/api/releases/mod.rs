//! Routes of releases: pictures to be released, their state, their files.

mod accept;
mod file;
mod list;
mod submission;
mod view;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use self::view::ReleaseAnswer;
pub use self::{
    accept::accept,
    file::*,
    list::*,
    submission::ReleaseParameters,
    view::{ReleaseList, ReleaseView},
};
use super::{
    json,
    lookups::FileBytes,
    parameters::{Path, Query, collection},
};
use crate::{
    app::App,
    jobs::{Job, JobId, Jobs, unknown},
    problem::Problem,
    served::Served,
};

/// Collection of a release.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReleaseId {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
}

/// Accepts pictures to be released: activated, remembered in the collection, and written.
///
/// The body is one picture, or a form: its parts with the name of a file are pictures, the others fields of all entries. Once
/// the answer is there, the pictures are released, whatever happens to the service. A request with the `idempotency-key` and
/// the content of an earlier one is answered with the releases of that one.
#[utoipa::path(post, path = "/v1/release", tag = "releases",
    params(ReleaseParameters,
        ("idempotency-key" = Option<String>, Header, description = "Name of this request, chosen by the caller")),
    request_body(description = "A picture, or a form of pictures and fields", content(
        (FileBytes = "application/octet-stream"),
        (FileBytes = "image/*"),
        (Object = "multipart/form-data"),
    )),
    responses(
        (status = 202, body = ReleaseList, description = "The releases, which go on"),
        (status = 400, description = "Malformed parameters or body"),
        (status = 404, description = "No such collection"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 409, description = "A request with this idempotency-key is being accepted"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is of no type that is read, or no picture of a known format"),
        (status = 422, description = "A picture is damaged or too large, the fields are too large, or the \
            idempotency-key came with another request"),
        (status = 429, description = "Too many pictures wait; the header retry-after says when to try again"),
        (status = 501, description = "This service releases nothing"),
        (status = 503, description = "Another service works in the folder of releases"),
        (status = 507, description = "The folder of releases is full"),
    ))]
pub async fn release(
    State(app): State<Arc<App>>,
    Query(parameters): Query<ReleaseParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let accepted = accept(&app, &parameters, &headers, body).await?;
    Ok((StatusCode::ACCEPTED, json(&accepted)?).into_response())
}

/// Answers with the state of a release.
#[utoipa::path(get, path = "/v1/releases/{id}", tag = "releases",
    params(("id" = String, Path, description = "Id of the release"), ReleaseId),
    responses(
        (status = 200, body = ReleaseAnswer, description = "The release"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or release"),
        (status = 501, description = "This service releases nothing"),
        (status = 503, description = "Another service works in the folder of releases"),
    ))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(parameters): Query<ReleaseId>,
) -> Result<Response, Problem> {
    let (served, jobs) = find(&app, &parameters)?;
    let id = id_of(&id)?;
    let job = jobs.get(id)?.ok_or_else(|| unknown(&id.to_string()))?;
    json(&ReleaseAnswer::new(served.name(), id, &job))
}

/// Has a failed release made again, after all that wait.
#[utoipa::path(post, path = "/v1/releases/{id}/retry", tag = "releases",
    params(("id" = String, Path, description = "Id of the release"), ReleaseId),
    responses(
        (status = 202, body = ReleaseAnswer, description = "The release, which waits again"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or release"),
        (status = 409, description = "The release has not failed, or its upload is not kept any more"),
        (status = 501, description = "This service releases nothing"),
        (status = 503, description = "Another service works in the folder of releases"),
    ))]
pub async fn retry(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(parameters): Query<ReleaseId>,
) -> Result<Response, Problem> {
    let (served, jobs) = find(&app, &parameters)?;
    let id = id_of(&id)?;
    let job = retried(&app, jobs, id).await?;
    Ok((StatusCode::ACCEPTED, json(&ReleaseAnswer::new(served.name(), id, &job))?).into_response())
}

/// Has a failed job wait again, and wakes the thread that releases.
///
/// # Errors
/// Problems with the statuses 404, 409, 500 and 503.
pub async fn retried(app: &App, jobs: &Arc<Jobs>, id: JobId) -> Result<Job, Problem> {
    let jobs = jobs.clone();
    let retried = tokio::task::spawn_blocking(move || jobs.retry(id));
    let job = retried.await.unwrap_or_else(|error| Err(Problem::internal(error)))?;
    app.arrivals.notify();
    Ok(job)
}

/// Deletes a release with its files. One that waits is not begun; the entry of one that is done stays.
#[utoipa::path(delete, path = "/v1/releases/{id}", tag = "releases",
    params(("id" = String, Path, description = "Id of the release"), ReleaseId),
    responses(
        (status = 204, description = "The release is deleted"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or release"),
        (status = 409, description = "The release is being made"),
        (status = 501, description = "This service releases nothing"),
        (status = 503, description = "Another service works in the folder of releases"),
    ))]
pub async fn delete(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(parameters): Query<ReleaseId>,
) -> Result<Response, Problem> {
    let (_, jobs) = find(&app, &parameters)?;
    removed(jobs, id_of(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Removes a job that does not run.
///
/// # Errors
/// Problems with the statuses 404, 409, 500 and 503.
pub async fn removed(jobs: &Arc<Jobs>, id: JobId) -> Result<(), Problem> {
    let jobs = jobs.clone();
    let removed = tokio::task::spawn_blocking(move || jobs.remove(id));
    removed.await.unwrap_or_else(|error| Err(Problem::internal(error)))
}

/// Collection of a release, and its jobs.
fn find<'a>(app: &'a App, parameters: &ReleaseId) -> Result<(&'a Arc<Served>, &'a Arc<Jobs>), Problem> {
    let served = collection(app, parameters.collection.as_deref())?;
    Ok((served, jobs_of(served)?))
}

/// Jobs of a collection.
///
/// # Errors
/// A problem with status 501 where nothing is released.
pub fn jobs_of(served: &Served) -> Result<&Arc<Jobs>, Problem> {
    let off = || Problem::new(StatusCode::NOT_IMPLEMENTED, "this service releases nothing");
    served.jobs().ok_or_else(off)
}

/// Id of a text.
///
/// # Errors
/// A problem with status 404.
pub fn id_of(text: &str) -> Result<JobId, Problem> {
    let shown: String = text.chars().take(64).collect();
    text.parse().map_err(|()| unknown(&format!("{shown:?}")))
}
