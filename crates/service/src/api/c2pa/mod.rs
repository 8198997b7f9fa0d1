//! Routes of C2PA's Soft Binding Resolution API (version 1.1.0, of the C2PA specifications 2.2 to 2.4) that read: a validator
//! finds the manifest of a picture that lost it. The routes that write are not offered, because entries are kept otherwise.
//!
//! Paths, parameters and bodies are those of the specification, also where this service has other habits: names are in camel
//! case, parameters that are not known are ignored, and content that cannot be looked up has the status 400.

mod algorithm;
mod binding;
mod manifest;
mod manifest_store;
mod matches;
mod parameters;
mod reference;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    algorithm::{AlgorithmList, Algorithms},
    matches::{QueryResult, search, search_descriptor},
    parameters::{BindingParameters, ContentParameters, LargeBindingParameters},
};
use super::{body, json, lookups::FileBytes, parameters::Query};
use crate::{app::App, lookup::Content, problem::Problem};

/// Routes with their description.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(by_binding, by_large_binding))
        .routes(routes!(by_content))
        .routes(routes!(reference::by_reference))
        .routes(routes!(manifest_store::manifest_by_id))
        .routes(routes!(supported_algorithms))
}

/// Query by a soft binding.
#[derive(Deserialize, ToSchema)]
#[schema(as = c2pa::softBindingQuery)]
struct BindingQuery {
    /// Name of the algorithm, one of those of `supportedAlgorithms`.
    alg: String,
    /// Value of the soft binding: the descriptor as float16, little-endian, in base64.
    value: String,
}

/// Finds manifests by a soft binding.
///
/// The value is the descriptor of a picture: its float16 numbers, little-endian, in base64 of either alphabet.
#[utoipa::path(get, path = "/c2pa/v1/matches/byBinding", operation_id = "queryByBinding", tag = "c2pa",
    params(BindingParameters),
    responses(
        (status = 200, body = QueryResult, description = "Manifests, the strongest match first"),
        (status = 400, description = "Malformed parameters, an unknown algorithm, or a value of another one"),
        (status = 404, description = "No such collection"),
        (status = 429, description = "Too many lookups wait; the header retry-after says when to try again"),
        (status = 503, description = "The service is shutting down"),
    ))]
async fn by_binding(
    State(app): State<Arc<App>>,
    Query(parameters): Query<BindingParameters>,
) -> Result<Response, Problem> {
    let BindingParameters { alg, value, max_results, collection } = parameters;
    json(&search_descriptor(&app, collection.as_deref(), &alg, &value, max_results).await?)
}

/// Finds manifests by a soft binding that is too long for an address.
#[utoipa::path(post, path = "/c2pa/v1/matches/byBinding", operation_id = "queryByLargeBinding", tag = "c2pa",
    params(LargeBindingParameters),
    request_body(description = "The soft binding", content((BindingQuery = "application/json"))),
    responses(
        (status = 200, body = QueryResult, description = "Manifests, the strongest match first"),
        (status = 400, description = "Malformed parameters or body, an unknown algorithm, or a value of another one"),
        (status = 404, description = "No such collection"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is no JSON"),
        (status = 429, description = "Too many lookups wait; the header retry-after says when to try again"),
        (status = 503, description = "The service is shutting down"),
    ))]
async fn by_large_binding(
    State(app): State<Arc<App>>,
    Query(parameters): Query<LargeBindingParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let LargeBindingParameters { max_results, collection } = parameters;
    let BindingQuery { alg, value } = body::read_json(&app, &headers, body).await?;
    json(&search_descriptor(&app, collection.as_deref(), &alg, &value, max_results).await?)
}

/// Finds the manifests of a picture.
///
/// The picture may have lost its metadata, and may be scaled, cropped, turned or encoded anew. Matches are those of
/// `POST /v1/find` with the verdict `match` whose entries have the field `manifest`.
#[utoipa::path(post, path = "/c2pa/v1/matches/byContent", operation_id = "uploadFile", tag = "c2pa",
    params(ContentParameters),
    request_body(description = "The picture", content(
        (FileBytes = "image/*"),
        (FileBytes = "application/octet-stream"),
    )),
    responses(
        (status = 200, body = QueryResult, description = "Manifests, the strongest match first"),
        (status = 400, description = "Malformed parameters, an unknown algorithm, or a damaged picture"),
        (status = 404, description = "No such collection"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The asset is no picture of a known format"),
        (status = 429, description = "Too many lookups wait; the header retry-after says when to try again"),
        (status = 503, description = "The network is being loaded, or the service is shutting down"),
    ))]
async fn by_content(
    State(app): State<Arc<App>>,
    Query(parameters): Query<ContentParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let media_type = body::media_type(&headers);
    let is_picture = media_type.starts_with("image/");
    if !is_picture && !["", "application/octet-stream"].contains(&media_type.as_str()) {
        return Err(Problem::unsupported(format!("expected an asset of type image/*, found {media_type:?}")));
    }
    let ContentParameters { alg, max_results, collection, .. } = parameters;
    let collections = Algorithms::read(&app, collection.as_deref()).await?.of(alg.as_deref())?;
    let upload = body::read(&app, body).await?;
    if upload.bytes.is_empty() {
        return Err(Problem::bad_request("the body is empty"));
    }
    let content = Content::File(upload.memory.hold(upload.bytes));
    let queries = collections.into_iter().map(|served| (served, content.clone())).collect();
    json(&search(&app, queries, max_results).await?)
}

/// Lists the algorithms whose soft bindings are looked up.
///
/// Their names are private to services of this program (the domain `internal` is nobody's), and are not in C2PA's list of
/// soft binding algorithms.
#[utoipa::path(get, path = "/c2pa/v1/services/supportedAlgorithms", operation_id = "getSupportedBindings", tag = "c2pa",
    responses(
        (status = 200, body = AlgorithmList, description = "Algorithms of all collections that are served"),
        (status = 429, description = "Too many requests at once"),
    ))]
async fn supported_algorithms(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&Algorithms::read(&app, None).await?.list())
}

/// Problem with the status that the specification has for content that cannot be looked up.
fn published(problem: Problem) -> Problem {
    match problem.status {
        422 => Problem::new(StatusCode::BAD_REQUEST, problem.detail),
        _ => problem,
    }
}
