//! Bounds of reviews, and decisions as they are kept.

use serde_json::{Map, Value};

use super::now;
use crate::{
    error::{Error, Result},
    review::{
        Decision, NewReview, REVIEW_ANSWER_BYTES, REVIEW_NAME_BYTES, REVIEW_PICTURE_BYTES, REVIEWER_BYTES,
        VERDICT_BYTES,
    },
};

/// Checks that fields are of accepted sizes, that numbers are finite, and that the answer is a JSON object.
///
/// # Errors
/// [`Error::Argument`].
pub fn check_new_review(review: &NewReview) -> Result<()> {
    let NewReview { name, verdict, answer, picture, .. } = review;
    require_size("name of a reviewed query", name.len(), REVIEW_NAME_BYTES)?;
    require_size("verdict of a review", verdict.len(), VERDICT_BYTES)?;
    require_size("answer of a review", answer.len(), REVIEW_ANSWER_BYTES)?;
    require_size("picture of a review", picture.as_ref().map_or(0, Vec::len), REVIEW_PICTURE_BYTES)?;
    if verdict.is_empty() || !verdict.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(Error::argument("verdict of a review", "a word of lower-case letters", verdict));
    }
    for (field, value) in [("E-value of a review", review.e_value), ("cosine of a review", review.cosine)] {
        if !value.is_finite() {
            return Err(Error::argument(field, "finite", value));
        }
    }
    match serde_json::from_str::<Map<String, Value>>(answer) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::argument("answer of a review", "one JSON object", error)),
    }
}

/// Decision, its time and its person, as they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedAs<'a> {
    /// Decision.
    pub decision: Decision,
    /// Time of the decision, in seconds since 1970; `None` without a decision.
    pub decided: Option<i64>,
    /// Person who decides; `None` without a decision.
    pub by: Option<&'a str>,
}

/// Decision that is made now.
///
/// # Errors
/// A name of more than [`REVIEWER_BYTES`].
pub fn decided_as(decision: Decision, by: Option<&str>) -> Result<DecidedAs<'_>> {
    require_size("name of a reviewer", by.map_or(0, str::len), REVIEWER_BYTES)?;
    Ok(match decision {
        Decision::Undecided => DecidedAs { decision, decided: None, by: None },
        Decision::Confirmed | Decision::Rejected => DecidedAs { decision, decided: Some(now()), by },
    })
}

fn require_size(field: &'static str, bytes: usize, most: usize) -> Result<()> {
    match bytes > most {
        true => Err(Error::argument(field, format!("at most {most} bytes"), format!("{bytes} bytes"))),
        false => Ok(()),
    }
}
