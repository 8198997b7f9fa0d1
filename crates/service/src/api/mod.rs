//! Routes of the API, and their description.

pub mod body;
mod c2pa;
pub mod catalogue;
mod collections;
pub mod entries;
mod health;
pub mod lookups;
mod openapi;
pub mod parameters;
pub mod releases;
pub mod reviews;
pub mod tag;

use std::sync::Arc;

use axum::{
    Extension, Router,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
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
        .routes(routes!(entries::picture))
        .routes(routes!(releases::release))
        .routes(routes!(releases::list))
        .routes(routes!(releases::get, releases::delete))
        .routes(routes!(releases::retry))
        .routes(routes!(releases::file))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::counts))
        .routes(routes!(reviews::get, reviews::decide))
        .routes(routes!(reviews::picture))
        .routes(routes!(collections::list))
        .routes(routes!(collections::status))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
        .merge(c2pa::router())
}

/// Routes of the API, one of which answers with their description.
pub fn router() -> Router<Arc<App>> {
    let (router, document) = described().split_for_parts();
    router.layer(Extension(ApiDocument::new(&openapi::completed(document))))
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
