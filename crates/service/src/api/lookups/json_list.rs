//! JSON lists of pictures and descriptors.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use utoipa::ToSchema;

use super::content::{check_dimension, descriptor, query_name};
use crate::{
    lookup::{Content, Query},
    problem::Problem,
};

/// Query of a list: a picture or a descriptor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedQuery {
    /// Name in the answer; its place in the list unless it is given.
    name: Option<String>,
    /// Bytes of an image file, in base64.
    image: Option<String>,
    /// Descriptor of the collection's dimension.
    descriptor: Option<Vec<f32>>,
}

/// Queries of a list, whose descriptors have dimension `d`.
///
/// # Errors
/// Problems with the statuses 400 and 422.
pub fn queries(body: &[u8], d: usize) -> Result<Vec<Query>, Problem> {
    let list: Vec<ListedQuery> =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    list.into_iter().enumerate().map(|(place, listed)| query(place, listed, d)).collect()
}

fn query(place: usize, listed: ListedQuery, d: usize) -> Result<Query, Problem> {
    let name = query_name(listed.name.as_deref(), place);
    match (listed.image, listed.descriptor) {
        (Some(image), None) => {
            let decoded = BASE64_STANDARD.decode(image.as_bytes());
            let bytes = decoded.map_err(|error| Problem::bad_request(format!("image {name}: {error}")))?;
            Ok(Query { name, content: Content::File(bytes.into()) })
        }
        (None, Some(values)) => {
            check_dimension(values.len(), d)?;
            descriptor(name, values)
        }
        _ => Err(Problem::bad_request(format!("query {name} must have either image or descriptor"))),
    }
}
