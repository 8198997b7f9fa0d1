//! Form of the find page, as browsers send it.

use std::{convert::Infallible, future::ready};

use axum::{
    body::Body,
    http::{HeaderMap, header::CONTENT_TYPE},
};
use bytes::Bytes;
use futures_util::stream;
use multer::{Field, Multipart};

use super::question::Question;
use crate::{
    api::{
        body::{self, Upload},
        lookups::content::{check_pictures, query_name},
    },
    app::App,
    lookup::{Content, Query},
    memory::Share,
    problem::Problem,
};

/// Largest size of a field that is no picture, in bytes.
const BOUND: usize = 1 << 10;

/// Content of the form.
pub struct Submission {
    pub question: Question,
    pub pictures: Vec<Query>,
    pub memory: Share,
}

/// Reads the form.
///
/// # Errors
/// Problems with the statuses 400, 408, 413, 415 and 429.
pub async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Submission, Problem> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(media)
        .map_err(|_| Problem::unsupported(format!("expected multipart/form-data, found {media:?}")))?;
    let Upload { bytes, memory } = body::read(app, body).await?;
    let mut form = Multipart::new(stream::once(ready(Ok::<_, Infallible>(bytes))), boundary);
    let (mut fields, mut pictures) = (Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        match field.name() {
            Some("pictures") => {
                pictures.extend(picture(field, pictures.len()).await?);
                check_pictures(pictures.len())?;
            }
            _ => fields.push(named(field).await?),
        }
    }
    Ok(Submission { question: question(fields)?, pictures, memory })
}

fn malformed(error: multer::Error) -> Problem {
    Problem::bad_request(format!("the form: {error}"))
}

/// Picture of a field; a browser sends an empty one if none was picked.
async fn picture(field: Field<'_>, place: usize) -> Result<Option<Query>, Problem> {
    let is_unnamed = field.file_name().is_none_or(str::is_empty);
    let name = query_name(field.file_name(), place);
    let bytes: Bytes = field.bytes().await.map_err(malformed)?;
    let is_picked = !(is_unnamed && bytes.is_empty());
    Ok(is_picked.then_some(Query { name, content: Content::File(bytes) }))
}

async fn named(field: Field<'_>) -> Result<(String, String), Problem> {
    let name = field.name().unwrap_or_default().to_owned();
    let bytes = field.bytes().await.map_err(malformed)?;
    match str::from_utf8(&bytes) {
        Ok(text) if text.len() <= BOUND && name.len() <= BOUND => Ok((name, text.to_owned())),
        _ => Err(Problem::bad_request("the form has a field that is no short text")),
    }
}

/// Question of fields, read as those of an address are.
fn question(fields: Vec<(String, String)>) -> Result<Question, Problem> {
    let wrong = |error: &dyn std::fmt::Display| Problem::bad_request(format!("the form: {error}"));
    let text = serde_html_form::to_string(fields).map_err(|error| wrong(&error))?;
    serde_html_form::from_str(&text).map_err(|error| wrong(&error))
}
