//! Routes of reviews: possible matches, what people decide on them, and how often matches were false.

mod counts;
mod list;
mod review_view;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};
use collection::Review;
use serde::Deserialize;
use utoipa::ToSchema;

use self::review_view::ReviewAnswer;
pub use self::{counts::*, list::*, review_view::DecisionName};
use super::{
    body::{self, Upload},
    catalogue::with_catalogue,
    json,
    parameters::{Path, Query, collection},
    tag::Condition,
};
use crate::{app::App, problem::Problem, served::Served};

/// Collection of a review.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewParameters {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
}

/// Decision on a review.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviewDecision {
    /// Decision; `undecided` takes an earlier one back.
    decision: DecisionName,
    /// Person who decides, in up to 256 bytes.
    by: Option<String>,
}

/// Answers with a review.
#[utoipa::path(get, path = "/v1/reviews/{id}", tag = "reviews",
    params(("id" = i64, Path, description = "Id of the review"), ReviewParameters),
    responses(
        (status = 200, body = ReviewAnswer, description = "The review"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or review"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(ReviewParameters { collection: name }): Query<ReviewParameters>,
) -> Result<Response, Problem> {
    let served = collection(&app, name.as_deref())?;
    let read = move |served: &Served| ReviewAnswer::new(served.name(), read(served, id)?, None);
    json(&with_catalogue(&app, served, read).await?)
}

/// Decides a review, or takes the decision back.
#[utoipa::path(patch, path = "/v1/reviews/{id}", tag = "reviews",
    params(("id" = i64, Path, description = "Id of the review"), ReviewParameters),
    request_body = ReviewDecision,
    responses(
        (status = 200, body = ReviewAnswer, description = "The review as it is now, and the decision before"),
        (status = 400, description = "Malformed parameters or body"),
        (status = 404, description = "No such collection or review"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is no JSON"),
        (status = 422, description = "The name of the person is too long"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn decide(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(ReviewParameters { collection: name }): Query<ReviewParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let served = collection(&app, name.as_deref())?;
    let ReviewDecision { decision, by } = read_decision(&app, &headers, body).await?;
    let decided = move |served: &Served| {
        let before = served.collection().decide(id, decision.into(), by.as_deref())?.decision;
        ReviewAnswer::new(served.name(), read(served, id)?, Some(before))
    };
    json(&with_catalogue(&app, served, decided).await?)
}

async fn read_decision(app: &App, headers: &HeaderMap, body: Body) -> Result<ReviewDecision, Problem> {
    let media_type = body::media_type(headers);
    if media_type != "application/json" {
        return Err(Problem::unsupported(format!("expected application/json, found {media_type:?}")));
    }
    let Upload { bytes, memory: _memory } = body::read_within(app, body, body::OBJECT).await?;
    body::json_object(&bytes)
}

/// Answers with the small picture of a review's query.
#[utoipa::path(get, path = "/v1/reviews/{id}/picture", tag = "reviews",
    params(("id" = i64, Path, description = "Id of the review"), ReviewParameters,
        ("if-none-match" = Option<String>, Header, description = "Tag of the picture as the caller knows it")),
    responses(
        (status = 200, body = super::lookups::FileBytes, content_type = "image/jpeg", description = "The picture",
            headers(("etag" = String, description = "Tag of the picture"))),
        (status = 304, description = "The picture is as the caller knows it"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or review, or no picture is kept of it"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn picture(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(ReviewParameters { collection: name }): Query<ReviewParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = collection(&app, name.as_deref())?;
    let condition = Condition::none_match(&headers);
    let read = move |served: &Served| -> Result<_, Problem> {
        // A review's picture never changes; another collection under the same name has other queries.
        let tag = format!("\"{}-{id}\"", read(served, id)?.query);
        let bytes = condition.is_met_by(&tag).then(|| read_picture(served, id)).transpose()?;
        Ok((tag, bytes))
    };
    let (tag, bytes) = with_catalogue(&app, served, read).await?;
    let kept = [
        (ETAG, tag.parse().map_err(Problem::internal)?),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    Ok(match bytes {
        None => (StatusCode::NOT_MODIFIED, kept).into_response(),
        Some(bytes) => {
            (kept, [(CONTENT_TYPE, HeaderValue::from_static("image/jpeg"))], bytes).into_response()
        }
    })
}

/// Reads a review.
///
/// # Errors
/// A problem with status 404 if there is none.
pub fn read(served: &Served, id: i64) -> Result<Review, Problem> {
    let missing = || Problem::not_found(format!("no review of {} has the id {id}", served.name()));
    served.collection().review(id)?.ok_or_else(missing)
}

fn read_picture(served: &Served, id: i64) -> Result<Vec<u8>, Problem> {
    let missing = || Problem::not_found(format!("no picture of review {id} is kept"));
    served.collection().review_picture(id)?.ok_or_else(missing)
}
