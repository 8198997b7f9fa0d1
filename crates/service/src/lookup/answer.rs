//! Answers of lookups, as `find --json` gives them.

use std::{sync::Arc, time::Duration};

use collection::{Digest, Entry};
use find::{
    Verdict,
    report::{Answered, Search, WithEntries},
};
use image::RgbImage;
use serde::Serialize;

use super::review::Queued;
use crate::problem::Problem;

/// Version of the JSON documents, that of the command line.
pub const SCHEMA: u32 = 1;

/// Query that was looked up, or its name and the reason why it was not.
pub type Outcome = Result<Looked, (String, Problem)>;

/// Query that was looked up.
pub struct Looked {
    /// Report on the answer.
    pub answered: Answered,
    /// Facts beyond the report, if the request keeps them.
    pub kept: Option<Kept>,
}

/// Facts of a query beyond the report on its answer.
pub struct Kept {
    /// The picture; `None` for a descriptor.
    pub picture: Option<Picture>,
    /// Views in words, in the order in which they were searched.
    pub views: Vec<String>,
    /// Matches and their entries, in the order of the report.
    pub matches: Vec<(find::Match, Entry)>,
}

impl Kept {
    /// Facts of a query that was answered, and the digest of its file.
    pub fn new(found: &WithEntries, query: find::Query, digest: Option<Digest>) -> Self {
        let picture = digest.zip(query.picture).map(|(digest, pixels)| Picture { digest, pixels });
        let views = found.views().iter().map(ToString::to_string).collect();
        Self { picture, views, matches: found.matches.clone() }
    }
}

/// Picture that was looked up.
pub struct Picture {
    /// SHA-256 of its file.
    pub digest: Digest,
    /// The picture, of at most 1,024 pixels a side.
    pub pixels: RgbImage,
}

/// Answers to the queries of one request.
pub struct Found {
    /// Collection that was searched, and the bounds of the search.
    pub search: Arc<Search>,
    /// Time from the reading of pictures to the last comparison, of all lookups that were answered together.
    pub took: Duration,
    /// Queries in their order.
    pub outcomes: Vec<Outcome>,
    /// True if a query that failed is a problem of the whole.
    pub is_single: bool,
}

/// Answer to `POST /v1/find`.
#[derive(Serialize)]
struct FindAnswer<'a> {
    schema: u32,
    seconds: f64,
    #[serde(flatten)]
    search: &'a Search,
    #[serde(flatten)]
    queued: Option<Queued>,
    queries: &'a [Answered],
}

impl Found {
    /// Body of the answer in JSON, with the reviews that were queued. A query that failed among several has its reason.
    ///
    /// # Errors
    /// The problem of a single query.
    pub fn body(self, queued: Option<Queued>) -> Result<Vec<u8>, Problem> {
        let Self { search, took, outcomes, is_single } = self;
        let reported = |outcome: Outcome| match outcome {
            Ok(looked) => Ok(looked.answered),
            Err((_, problem)) if is_single => Err(problem),
            Err((name, problem)) => Ok(Answered::failed(name, problem.detail)),
        };
        let queries: Vec<Answered> = outcomes.into_iter().map(reported).collect::<Result<_, _>>()?;
        let seconds = took.as_secs_f64();
        let answer = FindAnswer { schema: SCHEMA, seconds, search: &search, queued, queries: &queries };
        serde_json::to_vec(&answer).map_err(Problem::internal)
    }
}

/// Verdict on the best match of a query, for metrics.
pub fn verdict_word(outcome: &Outcome) -> &'static str {
    let Ok(Looked { answered: Answered { error: None, matches, .. }, .. }) = outcome else { return "failed" };
    match matches.first().map(|best| best.verdict) {
        None => "nothing",
        Some(Verdict::Match) => "match",
        Some(Verdict::Possible) => "possible",
        Some(Verdict::Unlikely) => "unlikely",
    }
}
