//! Releases as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    jobs::{Job, JobId, Quality, ReleaseState},
    lookup::SCHEMA,
};

/// Release of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReleaseView {
    /// Id, by which the release is asked for.
    pub id: String,
    /// Name of the picture.
    pub name: String,
    /// State.
    pub state: ReleaseState,
    /// Share of the work that is done.
    #[schema(minimum = 0, maximum = 1)]
    pub progress: f64,
    /// Time of acceptance, in seconds since 1970.
    pub accepted: i64,
    /// Time of the end, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<i64>,
    /// Entry in the collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<i64>,
    /// Reason of a failure, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Parts of the original that are not in the released file, and fields that were not kept, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Quality of the released file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Bytes of the released file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Media type of the released file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<&'static str>,
}

impl ReleaseView {
    pub fn new(id: JobId, job: &Job) -> Self {
        let (outcome, file) = (job.outcome(), job.outcome().and_then(|outcome| outcome.file.as_ref()));
        Self {
            id: id.to_string(),
            name: job.name.clone(),
            state: job.state(),
            progress: job.progress(),
            accepted: job.accepted,
            finished: outcome.map(|outcome| outcome.finished),
            entry: outcome.and_then(|outcome| outcome.entry),
            error: outcome.and_then(|outcome| outcome.error.clone()),
            notes: outcome.map_or_else(Vec::new, |outcome| outcome.notes.clone()),
            quality: outcome.and_then(|outcome| outcome.quality.clone()),
            bytes: file.map(|file| file.bytes),
            media_type: file.map(|file| file.media_type()),
        }
    }
}

/// Release, and the collection that it is for.
#[derive(Serialize, ToSchema)]
pub struct ReleaseAnswer {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    collection: String,
    /// The release.
    release: ReleaseView,
}

impl ReleaseAnswer {
    pub fn new(collection: &str, id: JobId, job: &Job) -> Self {
        Self { schema: SCHEMA, collection: collection.to_owned(), release: ReleaseView::new(id, job) }
    }
}

/// Releases of a collection.
#[derive(Serialize, ToSchema)]
pub struct ReleaseList {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    pub collection: String,
    /// The releases.
    pub releases: Vec<ReleaseView>,
    /// Cursor of the next page; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl ReleaseList {
    pub fn new(collection: &str, jobs: &[(JobId, Job)]) -> Self {
        let releases = jobs.iter().map(|(id, job)| ReleaseView::new(*id, job)).collect();
        Self { schema: SCHEMA, collection: collection.to_owned(), releases, next: None }
    }
}
