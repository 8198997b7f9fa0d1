//! Route of manifest stores.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use collection::{Entry, Filter, Meta, Order, Page, Selection, State as EntryState};

use super::{
    manifest::{self, Manifest},
    parameters::ManifestParameters,
};
use crate::{
    api::{
        catalogue::with_catalogue,
        lookups::FileBytes,
        parameters::{Path, Query, collections},
    },
    app::App,
    problem::Problem,
    served::Served,
};

/// Media type of manifest stores.
const MEDIA_TYPE: &str = "application/c2pa";
/// Entries of one manifest that are looked at.
const ENTRIES: usize = 16;
/// Rows of a collection that are read for an identifier: half a second from memory.
const VISITS: u64 = 1 << 20;

/// Hands out the manifest store that a manifest is in.
///
/// It is the one in the field `manifest_store` of an entry with this manifest. Where the entry has the field
/// `manifest_endpoint` instead, the answer leads there. Of a collection with more than 1,048,576 entries, the newest so many
/// are looked at.
#[utoipa::path(get, path = "/c2pa/v1/manifests/{manifestId}", operation_id = "getManifestById", tag = "c2pa",
    params(("manifestId" = String, Path, description = "Identifier of the manifest"), ManifestParameters),
    responses(
        (status = 200, body = FileBytes, content_type = MEDIA_TYPE, description = "The manifest store"),
        (status = 307, description = "The manifest store is handed out elsewhere",
            headers(("location" = String, description = "Address of the manifest store"))),
        (status = 400, description = "Malformed parameters, or no identifier of a manifest"),
        (status = 404, description = "No such collection; no live entry with this manifest, or none that tells where it is"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn manifest_by_id(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(parameters): Query<ManifestParameters>,
) -> Result<Response, Problem> {
    if !manifest::is_id(&id) {
        return Err(Problem::bad_request("expected an identifier of a manifest, such as urn:c2pa:UUID"));
    }
    let ManifestParameters { return_active_manifest, collection } = parameters;
    let mut entries = Vec::new();
    for served in collections(&app, collection.as_deref())? {
        let id = id.clone();
        entries.extend(with_catalogue(&app, served, move |served| entries_of(served, id)).await?);
    }
    let endpoint = |entry: &Entry| Manifest::of(&entry.meta).and_then(|manifest| manifest.endpoint);
    if let Some(store) = entries.iter().find_map(|entry| store(&entry.meta)) {
        return match return_active_manifest {
            true => {
                Err(Problem::bad_request("whole manifest stores are handed out, and no single manifests"))
            }
            false => Ok(([(CONTENT_TYPE, MEDIA_TYPE)], store).into_response()),
        };
    }
    match entries.iter().find_map(endpoint) {
        Some(endpoint) => {
            let query = if return_active_manifest { "?returnActiveManifest=true" } else { "" };
            let location = format!("{endpoint}/manifests/{id}{query}");
            Ok((StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response())
        }
        None if entries.is_empty() => Err(Problem::not_found("no entry has this manifest")),
        None => Err(Problem::not_found("an entry has this manifest, and does not tell where it is")),
    }
}

/// Live entries of a manifest, the newest first.
fn entries_of(served: &Served, id: String) -> Result<Vec<Entry>, Problem> {
    let filter = Filter { fields: vec![(manifest::ID.to_owned(), id)] };
    let selection = Selection { state: Some(EntryState::Live), filter, name: None };
    let page = Page { selection, order: Order::NewestFirst, after: None, limit: ENTRIES };
    Ok(served.collection().listing(&page, VISITS)?.entries)
}

/// Manifest store in an entry's fields. What is no store of C2PA counts as absent.
fn store(meta: &Meta) -> Option<Vec<u8>> {
    let store = BASE64_STANDARD.decode(meta.get(manifest::STORE)?.as_str()?).ok()?;
    is_store(&store).then_some(store)
}

/// Returns true for a JUMBF superbox (ISO/IEC 19566-5) of the type `c2pa` that holds all bytes.
fn is_store(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
    length == Some(bytes.len())
        && bytes.get(4..8) == Some(b"jumb")
        && bytes.get(12..16) == Some(b"jumd")
        && bytes.get(16..20) == Some(b"c2pa")
}
