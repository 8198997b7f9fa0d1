//! Routes of the API, and their description.

mod body;
mod catalogue;
mod collections;
mod entries;
mod health;
mod lookups;
mod openapi;
mod parameters;

use std::{any::Any, sync::Arc};

use axum::{
    Extension, Router,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::openapi::ApiDocument;
use crate::{app::App, problem::Problem};

/// Routes with their description.
fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::start())
        .routes(routes!(lookups::find))
        .routes(routes!(entries::list))
        .routes(routes!(entries::get, entries::change, entries::withdraw))
        .routes(routes!(entries::restore))
        .routes(routes!(collections::list))
        .routes(routes!(collections::status))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
}

/// Router of all routes, which also answers with its description.
pub fn router() -> Router<Arc<App>> {
    let (router, document) = described().split_for_parts();
    let document = ApiDocument::new(&openapi::completed(document));
    router
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the path has other methods, see the header allow")
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(Extension(document))
}

/// Answer in the place of a handler's that panicked.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

/// OpenAPI document of the API, as `GET /v1/openapi.json` answers it.
pub fn describe_api() -> OpenApi {
    openapi::completed(described().into_openapi())
}

/// Answer with a JSON document.
fn json(document: &impl Serialize) -> Result<Response, Problem> {
    Ok(json_bytes(serde_json::to_vec(document).map_err(Problem::internal)?))
}

/// Answer with the bytes of a JSON document.
fn json_bytes(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}
