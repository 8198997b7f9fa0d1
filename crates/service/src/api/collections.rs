//! Routes of collections.

use std::{sync::Arc, time::Instant};

use axum::{extract::State, response::Response};
use collection::{Info, Order, Page};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    catalogue::with_catalogue,
    json,
    parameters::{Path, named_collection},
};
use crate::{app::App, lookup::SCHEMA, problem::Problem, served::Served};

/// Collections that are served.
#[derive(Serialize, ToSchema)]
struct CollectionList {
    /// Version of the document.
    schema: u32,
    /// The collections.
    collections: Vec<CollectionView>,
}

/// Facts of a collection that never change, and its size.
#[derive(Serialize, ToSchema)]
struct CollectionView {
    /// Name in the API.
    name: String,
    /// Live entries that lookups compare.
    entries: u64,
    /// Dimension of the descriptors.
    d: usize,
    /// Factory string of the quantiser.
    factory: String,
    /// SHA-256 of the quantiser's file, in hexadecimal digits.
    fingerprint: String,
    /// Sort of witnesses that confirm matches; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnesses: Option<String>,
}

/// State of a collection.
#[derive(Serialize, ToSchema)]
struct CollectionStatus {
    /// Version of the document.
    schema: u32,
    #[serde(flatten)]
    collection: CollectionView,
    /// Withdrawn entries.
    withdrawn: u64,
    /// Withdrawn entries whose descriptors are gone.
    dropped: u64,
    /// Entries whose released file is not yet written.
    pending: u64,
    /// Segments.
    segments: usize,
    /// Entries that are in no segment yet, and searched from memory.
    fresh: usize,
    /// Entries that have a witness.
    with_witness: u64,
    /// Bytes of all files.
    bytes: u64,
    freshness: Freshness,
    /// Calibration that E-values rest on.
    #[schema(value_type = Object)]
    calibration: find::report::CalibrationReport,
    /// Number of warnings, which the log has: damaged parts that are left out, media on which promises do not hold.
    warnings: usize,
}

/// Time until entries are found.
#[derive(Serialize, ToSchema)]
struct Freshness {
    /// Time at which the newest entry was stored, in seconds since 1970; absent without entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    /// Duration of making all committed entries searchable, just now: each lookup does it first.
    seconds_until_searchable: f64,
}

/// Lists the collections.
#[utoipa::path(get, path = "/v1/collections", tag = "collections", responses(
    (status = 200, body = CollectionList, description = "All collections that are served"),
    (status = 429, description = "Too many requests at once"),
))]
pub async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let mut collections = Vec::new();
    for served in app.collections.iter() {
        collections.push(with_catalogue(&app, served, CollectionView::of).await?);
    }
    json(&CollectionList { schema: SCHEMA, collections })
}

/// Answers with the state of a collection.
#[utoipa::path(get, path = "/v1/collections/{collection}/status", tag = "collections",
    params(("collection" = String, Path, description = "Name of the collection")),
    responses(
        (status = 200, body = CollectionStatus, description = "Entries, freshness, segments and calibration"),
        (status = 400, description = "Malformed name"),
        (status = 404, description = "No such collection"),
        (status = 429, description = "Too many requests at once"),
    ))]
pub async fn status(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let served = named_collection(&app, &name)?;
    json(&with_catalogue(&app, served, CollectionStatus::of).await?)
}

impl CollectionView {
    fn of(served: &Served) -> Result<Self, Problem> {
        let (collection, description) = (served.collection(), served.collection().description());
        Ok(Self {
            name: served.name().to_owned(),
            entries: collection.searchable()?,
            d: description.d,
            factory: description.factory.clone(),
            fingerprint: description.fingerprint.clone(),
            witnesses: description.witness_kind.clone(),
        })
    }
}

impl CollectionStatus {
    fn of(served: &Served) -> Result<Self, Problem> {
        let started = Instant::now();
        let collection = CollectionView::of(served)?;
        let seconds_until_searchable = started.elapsed().as_secs_f64();
        let newest = Page { order: Order::NewestFirst, limit: 1, ..Page::default() };
        let newest = served.collection().page(&newest)?.first().map(|entry| entry.added);
        let info = served.collection().info()?;
        let Info { withdrawn, dropped, pending, segments, fresh, witnesses: with_witness, bytes, .. } = info;
        Ok(Self {
            schema: SCHEMA,
            withdrawn,
            dropped,
            pending,
            segments,
            fresh,
            with_witness,
            bytes,
            freshness: Freshness { newest, seconds_until_searchable },
            calibration: find::report::CalibrationReport::new(
                served.finder().calibration(),
                collection.entries,
            ),
            warnings: served.collection().warnings().len(),
            collection,
        })
    }
}
