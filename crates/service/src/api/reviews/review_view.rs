//! Reviews as JSON.

use collection::{Decision, Review};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{lookup::SCHEMA, problem::Problem};

/// Decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecisionName {
    /// Nobody has decided, or the decision was taken back.
    #[default]
    Undecided,
    /// The query shows the entry.
    Confirmed,
    /// The query does not show the entry.
    Rejected,
}

impl DecisionName {
    /// Returns true for a review that waits.
    pub fn is_undecided(&self) -> bool {
        *self == Self::Undecided
    }
}

impl From<Decision> for DecisionName {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Undecided => Self::Undecided,
            Decision::Confirmed => Self::Confirmed,
            Decision::Rejected => Self::Rejected,
        }
    }
}

impl From<DecisionName> for Decision {
    fn from(name: DecisionName) -> Self {
        match name {
            DecisionName::Undecided => Self::Undecided,
            DecisionName::Confirmed => Self::Confirmed,
            DecisionName::Rejected => Self::Rejected,
        }
    }
}

/// Possible match that a person judges.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewView {
    /// Id, unique in the collection.
    pub id: i64,
    /// Time of the lookup, in seconds since 1970.
    asked: i64,
    /// Name of the query.
    name: String,
    /// SHA-256 of the query's file, in hexadecimal digits.
    query: String,
    /// Id of the entry.
    entry: i64,
    /// Verdict of the lookup.
    verdict: String,
    /// Number of entries that would look at least this much alike by chance.
    e_value: f64,
    /// Cosine of query and entry.
    cosine: f64,
    /// Keypoints that agree, if the pictures were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    inliers: Option<u64>,
    /// Match as the lookup answered it, without the fields of the entry.
    #[schema(value_type = Object)]
    answer: Value,
    /// True if a small picture of the query is kept.
    has_picture: bool,
    /// Decision.
    decision: DecisionName,
    /// Time of the decision, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<i64>,
    /// Person who has decided, if named.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl ReviewView {
    /// # Errors
    /// If the answer that is kept is no JSON.
    pub fn new(review: Review) -> Result<Self, Problem> {
        let Review { id, asked, query, name, entry, verdict, e_value, cosine, inliers, has_picture, .. } =
            review;
        Ok(Self {
            id,
            asked,
            name,
            query: query.to_string(),
            entry,
            verdict,
            e_value,
            cosine,
            inliers,
            answer: serde_json::from_str(&review.answer).map_err(Problem::internal)?,
            has_picture,
            decision: review.decision.into(),
            decided: review.decided,
            by: review.by,
        })
    }
}

/// Review and the collection that it belongs to.
#[derive(Serialize, ToSchema)]
pub struct ReviewAnswer {
    /// Version of the document.
    schema: u32,
    /// Name of the collection.
    collection: String,
    /// The review.
    review: ReviewView,
    /// Decision before this request, if it was one to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<DecisionName>,
}

impl ReviewAnswer {
    /// # Errors
    /// As [`ReviewView::new`].
    pub fn new(collection: &str, review: Review, before: Option<Decision>) -> Result<Self, Problem> {
        Ok(Self {
            schema: SCHEMA,
            collection: collection.to_owned(),
            review: ReviewView::new(review)?,
            before: before.map(DecisionName::from),
        })
    }
}
