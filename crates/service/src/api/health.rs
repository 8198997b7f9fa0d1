//! Health, readiness and metrics.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::{app::App, metrics::OPEN_METRICS, problem::Problem};

/// State of the service.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// Version of the program.
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Answers while the service runs.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()),
    responses((status = 200, body = inline(Health), description = "The service runs")))]
pub async fn healthz() -> Result<Response, Problem> {
    json(&OK)
}

/// Answers with 200 once pictures are looked up: the network is loaded, and the service is not shutting down.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses(
    (status = 200, body = inline(Health), description = "Pictures are looked up"),
    (status = 503, description = "The network is being loaded, or the service is shutting down"),
))]
pub async fn readyz(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    match (app.is_stopping(), app.network.is_ready()) {
        (true, _) => Err(Problem::unavailable("the service is shutting down")),
        (false, false) => Err(Problem::unavailable("the network is being loaded")),
        (false, true) => json(&OK),
    }
}

/// Counts requests, queries and the work of the network, in the text format that Prometheus reads.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = OPEN_METRICS, description = "Metrics")))]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    for served in app.collections.iter() {
        if let Some(jobs) = served.jobs() {
            app.metrics.set_releases(served.name(), jobs.counts());
        }
    }
    ([(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS))], app.metrics.text()).into_response()
}
