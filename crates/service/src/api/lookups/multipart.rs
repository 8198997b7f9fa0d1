//! Forms whose parts are pictures.

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;

use super::content::{check_pictures, query_name};
use crate::{
    lookup::{Content, Query},
    problem::Problem,
};

/// Queries of a form: each part is a picture, under the name of its file.
///
/// # Errors
/// Problems with the statuses 400 and 413.
pub async fn queries(body: Bytes, boundary: &str) -> Result<Vec<Query>, Problem> {
    let malformed = |error: multer::Error| Problem::bad_request(format!("the form: {error}"));
    let mut form = Multipart::new(stream::once(ready(Ok::<_, Infallible>(body))), boundary);
    let mut queries = Vec::new();
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        let Some(name) = part.file_name() else {
            let name = query_name(part.name(), queries.len());
            let detail =
                format!("part {name} of the form is no file: parameters stand in the address, as ?k=3");
            return Err(Problem::bad_request(detail));
        };
        let name = query_name(Some(name), queries.len());
        let content = Content::File(part.bytes().await.map_err(malformed)?);
        queries.push(Query { name, content });
        check_pictures(queries.len())?;
    }
    Ok(queries)
}
