//! Lists of reviews, page by page.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use collection::ReviewPage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::review_view::{DecisionName, ReviewView};
use crate::{
    api::{
        catalogue::with_catalogue,
        json,
        parameters::{Query, collection, cursor_of, limit_within},
    },
    app::App,
    lookup::SCHEMA,
    problem::Problem,
    served::Served,
};

/// Reviews of a page unless a limit is named.
const LIMIT: usize = 100;
/// Largest number of reviews of a page: each holds an answer of up to 16 KiB.
const MOST: usize = 500;

/// Reviews that a list shows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
    /// Decision of the reviews; all unless one is named, those that wait first.
    #[param(inline)]
    decision: Option<DecisionName>,
    /// Largest number of reviews, up to 500; 100 unless it is named.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// Place at which the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Page of a list.
#[derive(Serialize, ToSchema)]
struct ReviewList {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    collection: String,
    /// Reviews: those that wait first, and the newest of them first.
    reviews: Vec<ReviewView>,
    /// Cursor of the next page; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists reviews: those that wait for a decision first, and the newest of them first.
///
/// A review that is decided while the list is read may be listed a second time among the decided ones.
#[utoipa::path(get, path = "/v1/reviews", tag = "reviews", params(ListParameters), responses(
    (status = 200, body = ReviewList, description = "A page of the list"),
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

fn page(parameters: &ListParameters) -> Result<ReviewPage, Problem> {
    let ListParameters { decision, limit, cursor, .. } = parameters;
    let limit = limit_within(*limit, LIMIT, MOST)?;
    let after = cursor_of(cursor.as_deref())?;
    Ok(ReviewPage { decision: decision.map(collection::Decision::from), after, limit })
}

fn read(served: &Served, page: &ReviewPage) -> Result<ReviewList, Problem> {
    // One more tells whether the list goes on.
    let mut reviews = served.collection().reviews(&ReviewPage { limit: page.limit + 1, ..*page })?;
    let goes_on = reviews.len() > page.limit;
    reviews.truncate(page.limit);
    let next = reviews.last().filter(|_| goes_on).map(|review| review.cursor().to_string());
    Ok(ReviewList {
        schema: SCHEMA,
        collection: served.name().to_owned(),
        reviews: reviews.into_iter().map(ReviewView::new).collect::<Result<_, _>>()?,
        next,
    })
}
