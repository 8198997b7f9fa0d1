//! Released files, as they are fetched.

use std::{
    fmt::Write,
    fs::File,
    io::{self, Read},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;

use super::{ReleaseId, find, id_of};
use crate::{
    api::{
        lookups::FileBytes,
        parameters::{Path, Query},
        tag::Condition,
    },
    app::App,
    jobs::FileFacts,
    problem::Problem,
};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;
/// Hexadecimal digits of a tag.
const TAG: usize = 32;

/// Answers with the released file.
///
/// Of a release that was `already` known it is the file of the release that made the entry, if that is kept.
#[utoipa::path(get, path = "/v1/releases/{id}/file", tag = "releases",
    params(("id" = String, Path, description = "Id of the release"), ReleaseId,
        ("if-none-match" = Option<String>, Header, description = "Tag of the file that the caller has")),
    responses(
        (status = 200, description = "The released file, as an attachment",
            content((FileBytes = "image/png"), (FileBytes = "image/jpeg"), (FileBytes = "image/webp")),
            headers(("etag" = String, description = "Tag of the file"))),
        (status = 304, description = "The caller has the file"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or release, or a release without a file"),
        (status = 409, description = "The release is not done"),
        (status = 501, description = "This service releases nothing"),
        (status = 503, description = "Another service works in the folder of releases"),
    ))]
pub async fn file(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(parameters): Query<ReleaseId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, jobs) = find(&app, &parameters)?;
    let (path, job) = jobs.file(id_of(&id)?)?;
    let facts = job.outcome().and_then(|outcome| outcome.file.as_ref());
    let facts = facts.ok_or_else(|| Problem::internal("a release has lost its file"))?;
    let tag = format!("\"{}\"", facts.sha256.get(..TAG).unwrap_or(&facts.sha256));
    if !Condition::none_match(&headers).is_met_by(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let opened = tokio::task::spawn_blocking(move || {
        let file = File::open(path)?;
        Ok::<_, io::Error>((file.metadata()?.len(), file))
    });
    let (length, file) = opened.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    let heads = [
        (CONTENT_TYPE, HeaderValue::from_static(facts.media_type())),
        (CONTENT_LENGTH, length.into()),
        (ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?),
        (CONTENT_DISPOSITION, disposition(&job.name, facts)?),
    ];
    Ok((heads, Body::from_stream(stream::try_unfold(file, next_chunk))).into_response())
}

/// Reads the next bytes of a file, beside the threads of connections.
async fn next_chunk(mut file: File) -> io::Result<Option<(Bytes, File)>> {
    let read = tokio::task::spawn_blocking(move || {
        let mut chunk = Vec::with_capacity(CHUNK);
        file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        Ok::<_, io::Error>((chunk, file))
    });
    let (chunk, file) = read.await.map_err(io::Error::other)??;
    Ok((!chunk.is_empty()).then(|| (chunk.into(), file)))
}

/// Header that makes a browser keep the file, under the name of the picture (RFC 6266).
fn disposition(name: &str, file: &FileFacts) -> Result<HeaderValue, Problem> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = format!("{}.{}", if stem.is_empty() { "released" } else { stem }, file.extension);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._- ".contains(c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        // Writing to a string cannot fail.
        let _ = match byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            true => write!(encoded, "{}", char::from(byte)),
            false => write!(encoded, "%{byte:02X}"),
        };
    }
    HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"))
        .map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_under_the_names_of_their_pictures() {
        let file = FileFacts { extension: "png".to_owned(), bytes: 1, sha256: "00".to_owned() };
        let of = |name: &str| disposition(name, &file).unwrap().to_str().unwrap().to_owned();
        assert_eq!(of("a b.jpg"), "attachment; filename=\"a b.png\"; filename*=UTF-8''a%20b.png");
        assert_eq!(
            of("tr\u{e8}s\";x=\"y.jpg"),
            "attachment; filename=\"tr_s__x__y.png\"; filename*=UTF-8''tr%C3%A8s%22%3Bx%3D%22y.png"
        );
        assert_eq!(of(".jpg"), "attachment; filename=\"released.png\"; filename*=UTF-8''released.png");
    }
}
