//! Forms of pages, as browsers send them.

use axum::{body::Body, http::HeaderMap};
use serde::de::DeserializeOwned;

use crate::{
    api::body::{self, Upload},
    app::App,
    problem::Problem,
};

/// Media type of forms without files.
const FORM: &str = "application/x-www-form-urlencoded";
/// Largest size of a form in bytes.
const BOUND: usize = 64 << 10;

/// Reads a form without files.
///
/// # Errors
/// Problems with the statuses 400, 408, 413, 415 and 429.
pub async fn read<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let media_type = body::media_type(headers);
    if media_type != FORM {
        return Err(Problem::unsupported(format!("expected {FORM}, found {media_type:?}")));
    }
    let Upload { bytes, memory: _memory } = body::read_within(app, body, BOUND).await?;
    serde_html_form::from_bytes(&bytes).map_err(|error| Problem::bad_request(format!("the form: {error}")))
}
