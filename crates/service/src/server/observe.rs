//! Each request: an id, access, headers of security, a record and a count.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::{Instrument, info_span};

use super::request_id;
use crate::{
    app::App,
    pages::{self, Reader},
    problem::Problem,
};

/// Routes that are answered to everyone, because they tell nothing and those who probe have no token.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];
/// Label of requests that have no route.
const NO_ROUTE: &str = "none";
/// Methods that are counted under their names.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Headers of every answer: nothing is sniffed, embedded or told to other sites, and pages take nothing from outside.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Largest number of characters of a path in the log.
const LOGGED_PATH: usize = 256;

/// Address of a caller.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Answers a request, or refuses its caller.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id::of(request.headers());
    let method = METHODS.into_iter().find(|method| request.method() == method).unwrap_or("other");
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let path: String = request.uri().path().chars().take(LOGGED_PATH).collect();
    let span = info_span!("request", id = id.to_str().unwrap_or_default(), method, path);
    let reader = Reader::of(&request);
    let response = match check(&app, &request, &route) {
        Ok(()) => next.run(request).instrument(span.clone()).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = pages::shown(&app, &reader, response);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    headers.insert(request_id::HEADER, id);
    let (status, took) = (response.status().as_u16(), started.elapsed());
    app.metrics.count_request(&route, method, status, took);
    span.in_scope(|| {
        tracing::info!(status, milliseconds = (1e6 * took.as_secs_f64()).round() / 1e3, "answered")
    });
    response
}

fn check(app: &App, request: &Request, route: &str) -> Result<(), Problem> {
    if PROBES.contains(&route) {
        return Ok(());
    }
    let peer = request.extensions().get::<Peer>().copied();
    let Peer(peer) = peer.ok_or_else(|| Problem::internal("a request has no caller"))?;
    let (access, method, headers) = (&app.settings.access, request.method(), request.headers());
    match pages::WITHOUT_TOKEN.contains(&route) {
        true => access.check_visitor(peer, method, headers),
        false => access.check(peer, method, headers),
    }
}
