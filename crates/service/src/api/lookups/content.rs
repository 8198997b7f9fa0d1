//! Content of a lookup by its media type.

use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use bytes::Bytes;
use index::npy;

use super::{json_list, multipart};
use crate::{
    api::body,
    fetch::WebAddress,
    lookup::{Content, Query},
    problem::Problem,
};

/// Largest number of descriptors of a request.
pub const DESCRIPTORS: usize = 4096;
/// Largest number of pictures of a request.
pub const PICTURES: usize = 32;
/// Largest number of bytes of a query's name.
const NAME_LENGTH: usize = 255;
/// Name of a picture that has none.
const UNNAMED: &str = "upload";

/// Media type of a body that is read.
#[derive(Debug, PartialEq, Eq)]
pub enum MediaType {
    /// Bytes of one picture.
    Picture,
    /// Descriptors of NumPy.
    Npy,
    /// A JSON list of pictures and descriptors.
    Json,
    /// A form whose parts are pictures.
    Form {
        /// Text between the parts.
        boundary: String,
    },
}

/// Queries of a request.
#[derive(Default)]
pub struct Queries {
    pub queries: Vec<Query>,
    /// Addresses of pictures that are to be fetched, and the places of their queries.
    pub addresses: Vec<(usize, WebAddress)>,
    /// True if the request is one picture, and not a list.
    pub is_single: bool,
}

impl MediaType {
    /// Media type that a request names; that of a picture if it names none.
    ///
    /// # Errors
    /// A problem with status 415, or 400 for a form without a boundary.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match body::media_type(headers).as_str() {
            "" | "application/octet-stream" => Ok(Self::Picture),
            image if image.starts_with("image/") => Ok(Self::Picture),
            "application/x-npy" => Ok(Self::Npy),
            "application/json" => Ok(Self::Json),
            "multipart/form-data" => {
                let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                let boundary =
                    multer::parse_boundary(named.unwrap_or_default()).map_err(Problem::bad_request)?;
                Ok(Self::Form { boundary })
            }
            // Sent by curl where nothing else is asked for.
            "application/x-www-form-urlencoded" => Err(Problem::unsupported(
                "a form without files holds no picture; if the body is one, say so: -H 'content-type: image/jpeg'",
            )),
            other => Err(Problem::unsupported(format!(
                "expected image/*, application/octet-stream, multipart/form-data, application/x-npy or \
                 application/json, found {other:?}"
            ))),
        }
    }

    /// Queries of a body, whose descriptors have dimension `d`.
    ///
    /// # Errors
    /// Problems with the statuses 400, 413 and 422.
    pub async fn queries(self, body: Bytes, d: usize) -> Result<Queries, Problem> {
        let queries = match self {
            Self::Picture if body.is_empty() => return Err(Problem::bad_request("the body is empty")),
            Self::Picture => {
                let query = Query { name: UNNAMED.to_owned(), content: Content::File(body) };
                return Ok(Queries { queries: vec![query], is_single: true, ..Queries::default() });
            }
            Self::Npy => Queries { queries: descriptors(&body, d)?, ..Queries::default() },
            Self::Json => json_list::queries(&body, d)?,
            Self::Form { boundary } => {
                let queries = multipart::queries(body, &boundary).await?;
                Queries { queries, ..Queries::default() }
            }
        };
        check_counts(&queries.queries)?;
        Ok(queries)
    }
}

fn descriptors(body: &[u8], d: usize) -> Result<Vec<Query>, Problem> {
    let matrix = npy::from_bytes(body).map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    check_dimension(matrix.d, d)?;
    let rows = matrix.values.chunks_exact(d).enumerate();
    let query = |(row, values): (usize, &[f32])| {
        let name = row.to_string();
        Ok(Query { content: descriptor(&name, values.to_vec())?, name })
    };
    rows.map(query).collect()
}

/// Content of the query `name`, a descriptor.
///
/// # Errors
/// A problem with status 422 if a value is not finite.
pub fn descriptor(name: &str, values: Vec<f32>) -> Result<Content, Problem> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(Content::Descriptor(values)),
        false => Err(Problem::unprocessable(format!("descriptor {name} has a value that is not finite"))),
    }
}

/// Checks the dimension of descriptors.
///
/// # Errors
/// A problem with status 422.
pub fn check_dimension(found: usize, d: usize) -> Result<(), Problem> {
    match found == d {
        true => Ok(()),
        false => Err(Problem::unprocessable(format!(
            "expected descriptors of dimension {d}, found dimension {found}"
        ))),
    }
}

fn check_counts(queries: &[Query]) -> Result<(), Problem> {
    if queries.is_empty() {
        return Err(Problem::bad_request("the body holds no query"));
    }
    let descriptors = queries.iter().filter(|query| matches!(query.content, Content::Descriptor(_))).count();
    for (what, count, most) in
        [("pictures", queries.len() - descriptors, PICTURES), ("descriptors", descriptors, DESCRIPTORS)]
    {
        if count > most {
            return Err(too_many(what, count, most));
        }
    }
    Ok(())
}

/// Checks the number of pictures of a form while it is read, so that no more of them take memory.
///
/// # Errors
/// A problem with status 413.
pub fn check_pictures(count: usize) -> Result<(), Problem> {
    match count <= PICTURES {
        true => Ok(()),
        false => {
            let detail = format!("the form holds {count} pictures or more, and {PICTURES} are allowed");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
    }
}

/// 413: more of something than a body may hold.
pub fn too_many(what: &str, count: usize, most: usize) -> Problem {
    let detail = format!("the body holds {count} {what}, and {most} are allowed");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Name of a query for answers, made of one that a caller gave: one line of bounded length.
pub fn query_name(given: Option<&str>, place: usize) -> String {
    let given = given.unwrap_or_default();
    let mut name: String = given.chars().filter(|c| !c.is_control()).collect();
    while name.len() > NAME_LENGTH {
        name.pop();
    }
    if name.is_empty() { place.to_string() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_short_line() {
        assert_eq!(query_name(Some("a\nb\0.jpg"), 3), "ab.jpg");
        assert_eq!(query_name(Some("../../etc/passwd"), 3), "../../etc/passwd", "it is no path");
        assert_eq!((query_name(None, 3), query_name(Some("\t"), 4)), ("3".to_owned(), "4".to_owned()));
        let long = query_name(Some(&"\u{1f600}".repeat(1000)), 0);
        assert!(long.len() <= NAME_LENGTH && long.len() > NAME_LENGTH - 4);
    }

    #[test]
    fn media_types_are_those_that_are_read() {
        let of = |text: &str| {
            let headers: HeaderMap = [(CONTENT_TYPE, text.parse().unwrap())].into_iter().collect();
            MediaType::of(&headers).map_err(|problem| problem.status)
        };
        assert_eq!(MediaType::of(&HeaderMap::new()).unwrap(), MediaType::Picture);
        assert_eq!(of("Image/JPEG; q=1"), Ok(MediaType::Picture));
        assert_eq!(of("application/JSON;charset=utf-8"), Ok(MediaType::Json));
        assert_eq!(of("multipart/form-data; boundary=x"), Ok(MediaType::Form { boundary: "x".to_owned() }));
        assert_eq!(of("multipart/form-data"), Err(400));
        assert_eq!(of("application/x-www-form-urlencoded"), Err(415));
    }
}
