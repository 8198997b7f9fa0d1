//! OpenAPI document: what the routes say of themselves, and what all of them share.

use std::sync::Arc;

use axum::{Extension, response::Response};
use bytes::Bytes;
use utoipa::{
    Modify, OpenApi as _, ToSchema,
    openapi::{
        Content, OpenApi, RefOr, Response as Described, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::json_bytes;
use crate::problem::{PROBLEM_JSON, Problem};

/// Statuses that every route may answer with, but for those without access checks.
const SHARED: [(&str, &str); 3] = [
    ("401", "No token, or an unknown one, where tokens are needed"),
    (
        "403",
        "A caller that is not answered: another machine where there are no tokens, or a page of another site",
    ),
    ("500", "A failure of the service, whose log has the reason"),
];
/// Name of the tokens in the document.
const TOKEN: &str = "token";

/// Document without routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "active-index",
        description = "Looks pictures up in collections of released images, and keeps their entries.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    tags(
        (name = "lookups", description = "Pictures and descriptors are looked up"),
        (name = "entries", description = "Entries are listed, changed, withdrawn and restored"),
        (name = "releases", description = "Pictures are released into collections, and their files fetched"),
        (name = "reviews", description = "Possible matches are confirmed and rejected, and false ones counted"),
        (name = "collections", description = "Collections and their state"),
        (
            name = "c2pa",
            description = "Manifests of pictures that lost them, by C2PA's Soft Binding Resolution API 1.1.0. The names of the \
                           algorithms are private, and not registered in C2PA's list of soft binding algorithms"
        ),
        (name = "operation", description = "Health, metrics, and this document"),
    ),
    modifiers(&Access)
)]
struct Start;

/// Adds the tokens.
struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let bearer = bearer.description(Some("A line of the token file; not needed where there is none."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer.build()));
        document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    }
}

/// Document without routes, with the facts that hold for all of them.
pub fn start() -> OpenApi {
    Start::openapi()
}

/// Adds to each route the problems that all may answer with, and to each problem its content.
pub fn completed(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete, &mut item.head];
        operations.into_iter().flatten().for_each(complete);
    }
    document
}

fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, description) in SHARED {
        let shared = || RefOr::T(ResponseBuilder::new().description(description).build());
        responses.entry(status.to_owned()).or_insert_with(shared);
    }
    for (status, response) in responses.iter_mut() {
        if let (true, RefOr::T(response)) = (status.as_str() >= "400", response) {
            add_problem(response);
        }
    }
}

fn add_problem(response: &mut Described) {
    let content = Content::new(Some(utoipa::openapi::Ref::from_schema_name(Problem::name())));
    response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(content));
}

/// Bytes of the document.
#[derive(Clone)]
pub struct ApiDocument(Arc<Bytes>);

impl ApiDocument {
    pub fn new(document: &OpenApi) -> Self {
        let bytes = serde_json::to_vec(document).expect("a document of text and numbers is JSON");
        Self(Arc::new(bytes.into()))
    }
}

/// Describes this API.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "operation",
    responses((status = 200, body = Object, description = "OpenAPI document")))]
pub async fn document(Extension(document): Extension<ApiDocument>) -> Response {
    json_bytes(document.0.to_vec())
}
