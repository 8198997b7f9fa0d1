//! Pictures and fields of a request, by its media type.

use std::{convert::Infallible, future::ready};

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use bytes::Bytes;
use collection::{META_BYTES, Meta};
use futures_util::stream;
use multer::{Field, Multipart};
use serde::Deserialize;

use crate::{
    api::{
        body,
        lookups::{check_pictures, query_name},
    },
    jobs::{NewPicture, Submission},
    problem::Problem,
};

/// Largest length of a key.
const KEY_LENGTH: usize = 255;
/// Name of a picture that has none.
const UNNAMED: &str = "upload";
/// Header of the key.
const KEY: &str = "idempotency-key";

/// Collection, name and fields of pictures.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReleaseParameters {
    /// Name of the collection; needed where several are served.
    pub collection: Option<String>,
    /// Name of a single picture; those of a form have names of their own.
    pub name: Option<String>,
    /// Field of the entries and its value, such as `licence=CC0`; may be repeated.
    #[serde(rename = "meta", default)]
    pub fields: Vec<String>,
}

/// Form of a body.
enum BodyForm {
    Picture,
    Form { boundary: String },
}

/// Request whose body is not read yet.
pub struct Announced {
    form: BodyForm,
    key: Option<String>,
    name: Option<String>,
    fields: Meta,
}

impl Announced {
    /// Checks the head of a request.
    ///
    /// # Errors
    /// Problems with the statuses 400 and 415.
    pub fn new(parameters: &ReleaseParameters, headers: &HeaderMap) -> Result<Self, Problem> {
        let form = form(headers)?;
        let mut fields = Meta::new();
        for pair in &parameters.fields {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Problem::bad_request("meta must be a field and its value, such as licence=CC0")
            })?;
            add_field(&mut fields, key, value)?;
        }
        Ok(Self { form, key: key(headers)?, name: parameters.name.clone(), fields })
    }

    /// Takes pictures and fields from the body.
    ///
    /// # Errors
    /// Problems with the statuses 400, 413 and 422.
    pub async fn with(self, body: Bytes) -> Result<Submission, Problem> {
        let Self { form, key, name, mut fields } = self;
        let pictures = match form {
            BodyForm::Picture if body.is_empty() => return Err(Problem::bad_request("the body is empty")),
            BodyForm::Picture => {
                let name = entry_name(name.as_deref().unwrap_or(UNNAMED), 0);
                vec![NewPicture { name, bytes: body }]
            }
            BodyForm::Form { boundary } => read_form(body, &boundary, &mut fields).await?,
        };
        let bytes = serde_json::to_vec(&fields).map_err(Problem::internal)?.len();
        if bytes > META_BYTES {
            let detail = format!("the fields have {bytes} bytes as JSON, and {META_BYTES} are allowed");
            return Err(Problem::unprocessable(detail));
        }
        Ok(Submission { key, fields, pictures })
    }
}

fn form(headers: &HeaderMap) -> Result<BodyForm, Problem> {
    match body::media_type(headers).as_str() {
        "" | "application/octet-stream" => Ok(BodyForm::Picture),
        image if image.starts_with("image/") => Ok(BodyForm::Picture),
        "multipart/form-data" => {
            let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let boundary = multer::parse_boundary(named.unwrap_or_default()).map_err(Problem::bad_request)?;
            Ok(BodyForm::Form { boundary })
        }
        other => Err(Problem::unsupported(format!(
            "expected image/*, application/octet-stream or multipart/form-data, found {other:?}"
        ))),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim);
    let is_key = |key: &&str| (1..=KEY_LENGTH).contains(&key.len());
    let wrong = || format!("{KEY} must have 1 to {KEY_LENGTH} characters of ASCII");
    key.filter(is_key).map(|key| Some(key.to_owned())).ok_or_else(|| Problem::bad_request(wrong()))
}

/// Adds a field of all entries.
fn add_field(fields: &mut Meta, key: &str, value: &str) -> Result<(), Problem> {
    if key.is_empty() || key.chars().any(char::is_control) {
        return Err(Problem::bad_request("a field must have a name of printable characters"));
    }
    match fields.insert(key.to_owned(), value.into()) {
        None => Ok(()),
        Some(_) => Err(Problem::bad_request(format!("the field {key} is given twice"))),
    }
}

/// Reads a form: parts with the name of a file are pictures, others are fields.
async fn read_form(body: Bytes, boundary: &str, fields: &mut Meta) -> Result<Vec<NewPicture>, Problem> {
    let malformed = |error: multer::Error| Problem::bad_request(format!("the form: {error}"));
    let mut form = Multipart::new(stream::once(ready(Ok::<_, Infallible>(body))), boundary);
    let mut pictures = Vec::new();
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        match part.file_name().map(str::to_owned) {
            None => read_field(part, fields).await?,
            Some(name) => {
                let bytes = part.bytes().await.map_err(malformed)?;
                // A browser sends a part for a field of files in which none was picked.
                if !(name.is_empty() && bytes.is_empty()) {
                    pictures.push(NewPicture { name: entry_name(&name, pictures.len()), bytes });
                    check_pictures(pictures.len())?;
                }
            }
        }
    }
    match pictures.len() {
        0 => Err(Problem::bad_request("the form holds no picture: no part has the name of a file")),
        _ => Ok(pictures),
    }
}

async fn read_field(part: Field<'_>, fields: &mut Meta) -> Result<(), Problem> {
    let name = part.name().unwrap_or_default().to_owned();
    let bytes = part.bytes().await.map_err(|error| Problem::bad_request(format!("the form: {error}")))?;
    let value = std::str::from_utf8(&bytes)
        .map_err(|_| Problem::bad_request("a part without the name of a file is a field, and no text"))?;
    // A browser sends a part for a field that was left empty.
    if value.is_empty() { Ok(()) } else { add_field(fields, &name, value) }
}

/// Name of an entry: that of the file, without folders that some callers send along.
fn entry_name(given: &str, place: usize) -> String {
    let own = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    query_name(Some(own), place)
}
