//! Reviews: checked and added, decided, and listed.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::Folder;
use crate::{
    catalogue::{entries, reviews},
    error::{Error, Result},
    review::{
        AddedReview, Decision, NewReview, REVIEW_ANSWER_BYTES, REVIEW_NAME_BYTES, REVIEW_PICTURE_BYTES,
        REVIEWER_BYTES, Review, ReviewCursor, ReviewPage, UNDECIDED_REVIEWS, VERDICT_BYTES,
    },
};

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// Adds a review in one transaction; see [`Engine::add_review`](crate::Engine::add_review).
pub fn add(folder: &Folder, review: &NewReview) -> Result<AddedReview> {
    check(review)?;
    let path = folder.catalogue_path();
    folder.write(|connection| {
        if let Some(id) =
            reviews::of_query(connection, &review.query, review.entry).map_err(Error::catalogue(&path))?
        {
            return Ok(AddedReview::Known(id));
        }
        if entries::of_id(connection, review.entry).map_err(Error::catalogue(&path))?.is_none() {
            return Err(Error::UnknownEntry(review.entry.to_string()));
        }
        let waiting = reviews::counts(connection).map_err(Error::catalogue(&path))?.total().undecided;
        if waiting >= UNDECIDED_REVIEWS {
            return Err(Error::ReviewsFull { most: UNDECIDED_REVIEWS });
        }
        reviews::insert(connection, review, now()).map(AddedReview::New).map_err(Error::catalogue(&path))
    })
}

/// Checks that fields are of accepted sizes, that numbers are finite, and that the answer is a JSON object.
fn check(review: &NewReview) -> Result<()> {
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

fn require_size(field: &'static str, bytes: usize, most: usize) -> Result<()> {
    match bytes > most {
        true => Err(Error::argument(field, format!("at most {most} bytes"), format!("{bytes} bytes"))),
        false => Ok(()),
    }
}

/// Decides a review in one transaction, and returns it as it was before; see [`Engine::decide`](crate::Engine::decide).
pub fn decide(folder: &Folder, id: i64, decision: Decision, by: Option<&str>) -> Result<Review> {
    require_size("name of a reviewer", by.map_or(0, str::len), REVIEWER_BYTES)?;
    let (decided, by) = match decision {
        Decision::Undecided => (None, None),
        Decision::Confirmed | Decision::Rejected => (Some(now()), by),
    };
    let path = folder.catalogue_path();
    folder.write(|connection| {
        let before = reviews::of_id(connection, id).map_err(Error::catalogue(&path))?;
        let before = before.ok_or(Error::UnknownReview(id))?;
        reviews::decide(connection, id, decision, decided, by).map_err(Error::catalogue(&path))?;
        Ok(before)
    })
}

/// Part of the list of reviews; see [`Engine::reviews`](crate::Engine::reviews).
pub fn page(connection: &Connection, page: &ReviewPage) -> rusqlite::Result<Vec<Review>> {
    let ReviewPage { decision, after, limit } = *page;
    let is_asked = |own: &Decision| decision.is_none_or(|decision| decision == *own);
    let mut listed = Vec::new();
    if is_asked(&Decision::Undecided) && after.is_none_or(|after| !after.is_decided) {
        let before = after.map_or(i64::MAX, |after| after.id);
        listed = reviews::with_decision(connection, Decision::Undecided, before, limit)?;
    }
    let before = match after {
        Some(ReviewCursor { is_decided: true, id }) => id,
        _ => i64::MAX,
    };
    let mut decided = Vec::new();
    for decision in [Decision::Confirmed, Decision::Rejected].into_iter().filter(is_asked) {
        decided.extend(reviews::with_decision(connection, decision, before, limit - listed.len())?);
    }
    decided.sort_by_key(|review| std::cmp::Reverse(review.id));
    listed.extend(decided);
    listed.truncate(limit);
    Ok(listed)
}
