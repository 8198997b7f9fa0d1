//! Numbers of reviews, and the share of false ones that people have found.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Response};
use collection::Decisions;
use find::binomial::clopper_pearson;
use serde::Serialize;
use utoipa::ToSchema;

use super::ReviewParameters;
use crate::{
    api::{
        catalogue::with_catalogue,
        json,
        parameters::{Query, collection},
    },
    app::App,
    lookup::SCHEMA,
    problem::Problem,
    served::Served,
};

/// Numbers of the reviews of a collection.
#[derive(Serialize, ToSchema)]
pub struct ReviewCountsAnswer {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    collection: String,
    /// All reviews.
    pub total: VerdictCounts,
    /// Reviews by the verdict of their lookups.
    pub by_verdict: BTreeMap<String, VerdictCounts>,
}

/// Numbers of reviews by decision.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct VerdictCounts {
    /// Reviews that wait.
    pub undecided: u64,
    /// Reviews of queries that show the entry.
    pub confirmed: u64,
    /// Reviews of queries that do not show the entry.
    pub rejected: u64,
    /// Share of the rejected ones among the decided ones; absent while none is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_rate: Option<FalseRate>,
}

/// Share of false matches, as people have found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct FalseRate {
    /// Rejected reviews among the decided ones.
    pub share: f64,
    /// Lower bound of the exact 95 % interval (Clopper and Pearson 1934).
    pub low: f64,
    /// Upper bound of the interval.
    pub high: f64,
}

impl From<Decisions> for VerdictCounts {
    fn from(decisions: Decisions) -> Self {
        let Decisions { undecided, confirmed, rejected } = decisions;
        Self { undecided, confirmed, rejected, false_rate: FalseRate::of(&decisions) }
    }
}

impl FalseRate {
    fn of(decisions: &Decisions) -> Option<Self> {
        let (count, n) = (decisions.rejected, decisions.decided());
        let (count, n) = (usize::try_from(count).ok()?, usize::try_from(n).ok().filter(|n| *n > 0)?);
        let interval = clopper_pearson(count, n);
        Some(Self { share: count as f64 / n as f64, low: interval.low, high: interval.high })
    }
}

impl ReviewCountsAnswer {
    /// # Errors
    /// If the collection cannot be read.
    pub fn of(served: &Served) -> Result<Self, Problem> {
        let counts = served.collection().review_counts()?;
        Ok(Self {
            schema: SCHEMA,
            collection: served.name().to_owned(),
            total: counts.total().into(),
            by_verdict: counts.by_verdict.into_iter().map(|(verdict, own)| (verdict, own.into())).collect(),
        })
    }
}

/// Counts reviews, and measures by the decided ones how many matches are false.
#[utoipa::path(get, path = "/v1/reviews/counts", tag = "reviews", params(ReviewParameters), responses(
    (status = 200, body = ReviewCountsAnswer, description = "Numbers by verdict and decision"),
    (status = 400, description = "Malformed parameters"),
    (status = 404, description = "No such collection"),
    (status = 429, description = "Too many requests at once"),
))]
pub async fn counts(
    State(app): State<Arc<App>>,
    Query(ReviewParameters { collection: name }): Query<ReviewParameters>,
) -> Result<Response, Problem> {
    let served = collection(&app, name.as_deref())?;
    json(&with_catalogue(&app, served, ReviewCountsAnswer::of).await?)
}
