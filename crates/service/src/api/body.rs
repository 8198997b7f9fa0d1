//! Bodies of requests, read whole within bounds on size, memory and time.

use std::fmt::Display;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::time::{Duration, timeout};

use crate::{app::App, memory::Share, problem::Problem};

/// Longest time in which the rest of a refused body is read, so that its sender reads the answer.
const REST: Duration = Duration::from_secs(2);
/// Largest size of a body that is one object of JSON, in bytes. Values in memory take up to thirty times their text.
pub const OBJECT: usize = 1 << 20;
/// Bytes that are read of such a rest.
const REST_BYTES: usize = 64 << 20;

/// Body of a request, with its share of the memory for bodies.
pub struct Upload {
    pub bytes: Bytes,
    pub memory: Share,
}

/// Reads a body.
///
/// # Errors
/// Problems with the statuses 400, 408, 413 and 429.
pub async fn read(app: &App, body: Body) -> Result<Upload, Problem> {
    read_within(app, body, usize::MAX).await
}

/// Reads a body of at most `bound` bytes, or as many as an upload may have.
///
/// # Errors
/// Problems with the statuses 400, 408, 413 and 429.
pub async fn read_within(app: &App, mut body: Body, bound: usize) -> Result<Upload, Problem> {
    let bound = bound.min(app.settings.max_upload);
    let is_announced = body.size_hint().lower() > bound as u64;
    let read = match is_announced {
        true => Ok(Err(too_large(bound))),
        false => timeout(app.settings.body_time, read_frames(app, &mut body, bound)).await,
    };
    match read {
        Ok(Ok(upload)) => Ok(upload),
        Ok(Err(problem)) => {
            // Whoever stops reading earlier never sees why it was refused.
            let _ = timeout(REST, skip_rest(&mut body)).await;
            Err(problem)
        }
        Err(_) => {
            let seconds = app.settings.body_time.as_secs_f64();
            let detail = format!("the body did not arrive within {seconds} seconds");
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
    }
}

fn too_large(bound: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than the {bound} bytes allowed"))
}

async fn read_frames(app: &App, body: &mut Body, bound: usize) -> Result<Upload, Problem> {
    let mut upload = Growing::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad_request("the body ended early, or is malformed"))?;
        // Trailers say nothing here.
        if let Ok(data) = frame.into_data() {
            upload.add(app, data, bound)?;
        }
    }
    Ok(upload.finish())
}

async fn skip_rest(body: &mut Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > REST_BYTES {
            return;
        }
    }
}

/// Body as far as it has arrived.
#[derive(Default)]
struct Growing {
    /// First part, which is not copied if it is the only one.
    first: Bytes,
    rest: BytesMut,
    memory: Share,
}

impl Growing {
    fn add(&mut self, app: &App, data: Bytes, bound: usize) -> Result<(), Problem> {
        let length = self.first.len().max(self.rest.len()) + data.len();
        if length > bound {
            return Err(too_large(bound));
        }
        self.memory.cover(&app.uploads, length)?;
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = data;
            return Ok(());
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&data);
        Ok(())
    }

    fn finish(self) -> Upload {
        let bytes = if self.rest.is_empty() { self.first } else { self.rest.freeze() };
        Upload { bytes, memory: self.memory }
    }
}

/// Reads a body that is an object of JSON.
///
/// # Errors
/// Problems with the statuses 400, 408, 413, 415 and 429.
pub async fn read_json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let media_type = media_type(headers);
    if media_type != "application/json" {
        return Err(Problem::unsupported(format!("expected application/json, found {media_type:?}")));
    }
    let Upload { bytes, memory: _memory } = read_within(app, body, OBJECT).await?;
    json_object(&bytes)
}

/// Reads a JSON object. Lists are refused, though structures could be read from them.
///
/// # Errors
/// A problem with status 400.
pub fn json_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |reason: &dyn Display| Problem::bad_request(format!("the body: {reason}"));
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed(&"expected a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(&error))
}

/// Media type of a body in lower case, without its parameters; empty if none is named.
pub fn media_type(headers: &HeaderMap) -> String {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
