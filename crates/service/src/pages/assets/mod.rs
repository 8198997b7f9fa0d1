//! Style sheets, scripts and pictures of the pages, in the binary.

use std::sync::LazyLock;

use axum::{
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};

use crate::{
    api::{
        parameters::Path,
        tag::{self, Condition},
    },
    problem::Problem,
};

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type and content of each.
const ASSETS: [(&str, &str, &str); 14] = [
    ("style.css", STYLE, include_str!("style.css")),
    ("find.css", STYLE, include_str!("find.css")),
    ("find.js", SCRIPT, include_str!("find.js")),
    ("compare.js", SCRIPT, include_str!("compare.js")),
    ("call.js", SCRIPT, include_str!("call.js")),
    ("toast.js", SCRIPT, include_str!("toast.js")),
    ("desk.css", STYLE, include_str!("desk.css")),
    ("review.js", SCRIPT, include_str!("review.js")),
    ("collection.js", SCRIPT, include_str!("collection.js")),
    ("entry.js", SCRIPT, include_str!("entry.js")),
    ("release.js", SCRIPT, include_str!("release.js")),
    ("status.js", SCRIPT, include_str!("status.js")),
    ("refresh.js", SCRIPT, include_str!("refresh.js")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// Tags in the order of [`ASSETS`].
static TAGS: LazyLock<Vec<String>> =
    LazyLock::new(|| ASSETS.iter().map(|(_, _, content)| tag::of_bytes(content.as_bytes())).collect());

/// Answers with a style sheet, a script or a picture of the pages. Browsers ask each time whether it is still the same, because
/// another version of the program may have another one.
///
/// # Errors
/// A problem with status 404.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let place = ASSETS.iter().position(|(own, ..)| *own == name);
    let place = place.ok_or_else(|| Problem::not_found("there is nothing at this path"))?;
    let ((_, media, content), tag) = (ASSETS[place], TAGS[place].as_str());
    let shared = [(ETAG, tag), (CACHE_CONTROL, "no-cache")];
    Ok(match Condition::none_match(&headers).is_met_by(tag) {
        true => (shared, [(CONTENT_TYPE, media)], content).into_response(),
        false => (StatusCode::NOT_MODIFIED, shared).into_response(),
    })
}
