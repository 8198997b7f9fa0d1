//! JSON lists of pictures and descriptors.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use utoipa::ToSchema;

use super::content::{DESCRIPTORS, PICTURES, Queries, check_dimension, descriptor, query_name, too_many};
use crate::{
    fetch::WebAddress,
    lookup::{Content, Query},
    problem::Problem,
};

/// Query of a list: a picture, the address of one, or a descriptor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedQuery {
    /// Name in the answer; its place in the list unless it is given.
    name: Option<String>,
    /// Bytes of an image file, in base64.
    image: Option<String>,
    /// Address of an image file, `http` or `https`; only if the service was started to fetch pictures.
    #[schema(format = "uri")]
    url: Option<String>,
    /// Descriptor of the collection's dimension.
    descriptor: Option<Vec<f32>>,
}

/// Largest number of queries of a list that are kept.
const MOST: usize = DESCRIPTORS + PICTURES;

/// List of queries, of which no more than [`MOST`] take memory.
struct BoundedList {
    queries: Vec<ListedQuery>,
    /// Number of queries, those beyond the bound too.
    count: usize,
}

impl<'de> Deserialize<'de> for BoundedList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = BoundedList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of queries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<BoundedList, A::Error> {
                let mut queries = Vec::new();
                while queries.len() < MOST {
                    let Some(query) = list.next_element()? else {
                        return Ok(BoundedList { count: queries.len(), queries });
                    };
                    queries.push(query);
                }
                let mut count = queries.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(BoundedList { queries, count })
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// Queries of a list, whose descriptors have dimension `d`.
///
/// # Errors
/// Problems with the statuses 400, 413 and 422.
pub fn queries(body: &[u8], d: usize) -> Result<Queries, Problem> {
    let list: BoundedList =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    if list.count > MOST {
        return Err(too_many("queries", list.count, MOST));
    }
    let mut queries = Queries::default();
    for (place, listed) in list.queries.into_iter().enumerate() {
        let name = query_name(listed.name.as_deref(), place);
        let content = match (listed.image, listed.url, listed.descriptor) {
            (Some(image), None, None) => picture(&name, &image)?,
            (None, Some(url), None) => {
                queries.addresses.push((place, address(&name, &url)?));
                Content::Missing(Problem::unprocessable("the picture is not fetched yet"))
            }
            (None, None, Some(values)) => {
                check_dimension(values.len(), d)?;
                descriptor(&name, values)?
            }
            _ => {
                let detail = format!("query {name} must have either image, url or descriptor");
                return Err(Problem::bad_request(detail));
            }
        };
        queries.queries.push(Query { name, content });
    }
    Ok(queries)
}

fn picture(name: &str, base64: &str) -> Result<Content, Problem> {
    let decoded = BASE64_STANDARD.decode(base64.as_bytes());
    let bytes = decoded.map_err(|error| Problem::bad_request(format!("image {name}: {error}")))?;
    Ok(Content::File(bytes.into()))
}

fn address(name: &str, url: &str) -> Result<WebAddress, Problem> {
    let named = |problem: Problem| Problem { detail: format!("url {name}: {}", problem.detail), ..problem };
    WebAddress::parse(url).map_err(named)
}
