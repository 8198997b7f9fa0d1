//! Reviews: checked and added, decided, and listed.

use std::path::Path;

use rusqlite::Connection;

use super::Folder;
use crate::{
    catalogue::{entries, reviews},
    engine::shared::{DecidedAs, check_new_review, decided_as, now},
    error::{Error, Result},
    review::{AddedReview, Decision, NewReview, Review, ReviewCursor, ReviewPage, UNDECIDED_REVIEWS},
};

/// Adds a review in one transaction; see [`Engine::add_review`](crate::Engine::add_review).
pub fn add(folder: &Folder, review: &NewReview) -> Result<AddedReview> {
    let path = folder.catalogue_path();
    let asked = Asked { wanted: None, at: now(), waits: true };
    folder.write(|connection| add_to(connection, review, &asked, &path))
}

/// Circumstances of a review to be added.
pub struct Asked {
    /// Id that it takes if that is free.
    pub wanted: Option<i64>,
    /// Time at which it was asked for.
    pub at: i64,
    /// False for a review that is decided in the same transaction.
    pub waits: bool,
}

/// Adds a review in a transaction. `path` is that of the catalogue.
pub fn add_to(
    connection: &Connection,
    review: &NewReview,
    asked: &Asked,
    path: &Path,
) -> Result<AddedReview> {
    check_new_review(review)?;
    let known = reviews::of_query(connection, &review.query, review.entry);
    if let Some(id) = known.map_err(Error::catalogue(path))? {
        return Ok(AddedReview::Known(id));
    }
    if entries::of_id(connection, review.entry).map_err(Error::catalogue(path))?.is_none() {
        return Err(Error::UnknownEntry(review.entry.to_string()));
    }
    let waiting = reviews::counts(connection).map_err(Error::catalogue(path))?.total().undecided;
    if asked.waits && waiting >= UNDECIDED_REVIEWS {
        return Err(Error::ReviewsFull { most: UNDECIDED_REVIEWS });
    }
    let inserted = reviews::insert(connection, review, asked.wanted, asked.at);
    inserted.map(AddedReview::New).map_err(Error::catalogue(path))
}

/// Decides a review in one transaction, and returns it as it was before; see [`Engine::decide`](crate::Engine::decide).
pub fn decide(folder: &Folder, id: i64, decision: Decision, by: Option<&str>) -> Result<Review> {
    let DecidedAs { decision, decided, by } = decided_as(decision, by)?;
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
