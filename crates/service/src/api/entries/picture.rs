//! Pictures of entries.

use std::{fs, sync::Arc, time::UNIX_EPOCH};

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};
use collection::Entry;
use image_file::{Reader, path_of_text};
use serde::Deserialize;

use crate::{
    api::{
        catalogue::with_catalogue,
        lookups::FileBytes,
        parameters::{Path, Query, collection},
        tag::{self, Condition},
    },
    app::App,
    pictures,
    problem::Problem,
    served::Served,
};

/// Longest side of a picture in pixels, unless one is named.
const SIZE: u32 = 320;
/// Quality of the JPEG files.
const QUALITY: u8 = 85;
/// Pictures are kept by their caller alone, and asked for again after a while: a released file may be replaced.
const CACHED: HeaderValue = HeaderValue::from_static("private, max-age=300");

/// Collection of an entry, and the size of its picture.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PictureParameters {
    /// Name of the collection; needed where several are served.
    collection: Option<String>,
    /// Longest side in pixels, 16 to 1,024: 320 unless it is named. Smaller pictures keep their size.
    #[param(minimum = 16, maximum = 1024)]
    size: Option<u32>,
}

/// Answers with the picture of an entry.
///
/// It is read from the entry's released file; without one that can be read, it is what the entry's witness keeps.
#[utoipa::path(get, path = "/v1/entries/{id}/picture", tag = "entries",
    params(("id" = i64, Path, description = "Id of the entry"), PictureParameters,
        ("if-none-match" = Option<String>, Header, description = "Tag of the picture as the caller knows it")),
    responses(
        (status = 200, body = FileBytes, content_type = "image/jpeg", description = "The picture",
            headers(("etag" = String, description = "Tag of the picture as it is"))),
        (status = 304, description = "The picture is as the caller knows it"),
        (status = 400, description = "Malformed parameters"),
        (status = 404, description = "No such collection or entry, or no picture of it"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn picture(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(PictureParameters { collection: name, size }): Query<PictureParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = collection(&app, name.as_deref())?;
    let size = size.unwrap_or(SIZE);
    if !(16..=1024).contains(&size) {
        return Err(Problem::bad_request(format!("size must be 16 to 1024, found {size}")));
    }
    // Decoding takes a processor and memory: as many pictures at once as there are processors.
    let turn = app.pictures.clone().acquire_owned().await.map_err(Problem::internal)?;
    let (reader, condition) = (app.settings.reader, Condition::none_match(&headers));
    with_catalogue(&app, served, move |served| {
        let _turn = turn;
        answer(served, id, size, reader, &condition)
    })
    .await
}

fn answer(
    served: &Served,
    id: i64,
    size: u32,
    reader: Reader,
    condition: &Condition,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("no entry of {} has the id {id}", served.name()));
    let entry = served.collection().entry(id)?.ok_or_else(missing)?;
    let tag = tag_of(&entry, size);
    if !condition.is_met_by(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, CACHED)], [(ETAG, tag)]).into_response());
    }
    let without = || Problem::not_found(format!("there is no picture of entry {id} of {}", served.name()));
    let picture = pictures::of_entry(served.collection(), reader, &entry, size)?.ok_or_else(without)?;
    let jpeg = pictures::jpeg(&picture.pixels, QUALITY)?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        (CACHE_CONTROL, CACHED),
        (ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?),
    ];
    Ok((headers, jpeg).into_response())
}

/// Tag by the entry, its file and the size: the picture need not be decoded for it.
fn tag_of(entry: &Entry, size: u32) -> String {
    let about = entry.file.as_deref().and_then(|file| fs::metadata(path_of_text(file)).ok());
    let changed = about.as_ref().and_then(|about| about.modified().ok());
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let facts = (entry.id, &entry.name, &entry.file, about.map(|about| about.len()), changed, size);
    tag::of_bytes(format!("{facts:?}").as_bytes())
}
