//! Rows of reviews and of their pictures.

use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

use super::entries::invalid;
use crate::{
    entry::Digest,
    review::{Decision, NewReview, Review, ReviewCounts},
};

const COLUMNS: &str = "id, asked, query, name, entry, verdict, e_value, cosine, inliers, answer,
    EXISTS (SELECT 1 FROM review_pictures WHERE review_pictures.id = reviews.id), decision, decided, decided_by";

/// Largest id that is kept; behind it, there are as many again for new reviews.
const MAX_KEPT: i64 = i64::MAX / 2;

/// Inserts a review, and returns its id: `wanted` if that is at least 1 and no review has it.
pub fn insert(
    connection: &Connection,
    review: &NewReview,
    wanted: Option<i64>,
    asked: i64,
) -> rusqlite::Result<i64> {
    let id = match wanted.filter(|id| (1..=MAX_KEPT).contains(id)) {
        Some(id) if of_id(connection, id)?.is_none() => id,
        _ => {
            let next = "SELECT coalesce(max(id), 0) + 1 FROM reviews";
            connection.prepare_cached(next)?.query_row([], |row| row.get(0))?
        }
    };
    let mut statement = connection.prepare_cached(
        "INSERT INTO reviews(id, asked, query, name, entry, verdict, e_value, cosine, inliers, answer, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                 sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, NULL, NULL))",
    )?;
    let NewReview { query, name, entry, verdict, e_value, cosine, inliers, answer, picture } = review;
    let inliers = inliers.map(|inliers| i64::try_from(inliers).unwrap_or(i64::MAX));
    // SQLite keeps -0.0 as 0, whose sum is another.
    let [e_value, cosine] = [e_value, cosine].map(|value| value + 0.0);
    statement.execute(params![
        id,
        asked,
        query.bytes(),
        name,
        entry,
        verdict,
        e_value,
        cosine,
        inliers,
        answer
    ])?;
    if let Some(bytes) = picture {
        let sql = "INSERT INTO review_pictures(id, bytes, sum) VALUES (?1, ?2, sum_of(?1, ?2))";
        connection.prepare_cached(sql)?.execute((id, bytes))?;
    }
    Ok(id)
}

/// Id of the review of a query and an entry, if there is one.
pub fn of_query(connection: &Connection, query: &Digest, entry: i64) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT id FROM reviews WHERE query = ?1 AND entry = ?2";
    connection.prepare_cached(sql)?.query_row((query.bytes(), entry), |row| row.get(0)).optional()
}

/// Review of an id.
pub fn of_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Review>> {
    let sql = format!("SELECT {COLUMNS} FROM reviews WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_map([id], review)?.next().transpose()
}

/// Picture of a review's query, if there is one.
pub fn picture(connection: &Connection, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT bytes FROM review_pictures WHERE id = ?1";
    connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()
}

/// At most `limit` reviews with one decision and ids below `before`, the newest first.
pub fn with_decision(
    connection: &Connection,
    decision: Decision,
    before: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Review>> {
    let sql =
        format!("SELECT {COLUMNS} FROM reviews WHERE decision = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.prepare_cached(&sql)?.query_map((decision.number(), before, limit), review)?.collect()
}

/// Sets the decision on a review, its time and its author.
pub fn decide(
    connection: &Connection,
    id: i64,
    decision: Decision,
    decided: Option<i64>,
    by: Option<&str>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE reviews SET decision = ?2, decided = ?3, decided_by = ?4,
         sum = sum_of(id, asked, query, name, entry, verdict, e_value, cosine, inliers, answer, ?2, ?3, ?4)
         WHERE id = ?1",
    )?;
    statement.execute((id, decision.number(), decided, by)).map(drop)
}

/// Numbers of reviews by verdict and decision, without a look at the reviews.
pub fn counts(connection: &Connection) -> rusqlite::Result<ReviewCounts> {
    let mut counts = ReviewCounts::default();
    let mut statement = connection
        .prepare_cached("SELECT verdict, decision, reviews FROM review_counts WHERE reviews != 0")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let decision = Decision::from_number(row.get(1)?).ok_or_else(|| invalid(1, Type::Integer))?;
        let reviews: i64 = row.get(2)?;
        counts.by_verdict.entry(row.get(0)?).or_default().add(decision, reviews.max(0) as u64);
    }
    Ok(counts)
}

fn review(row: &Row) -> rusqlite::Result<Review> {
    let query: Vec<u8> = row.get(2)?;
    Ok(Review {
        id: row.get(0)?,
        asked: row.get(1)?,
        query: Digest::from_bytes(&query).ok_or_else(|| invalid(2, Type::Blob))?,
        name: row.get(3)?,
        entry: row.get(4)?,
        verdict: row.get(5)?,
        e_value: row.get(6)?,
        cosine: row.get(7)?,
        inliers: row.get::<_, Option<i64>>(8)?.map(|inliers| inliers.max(0) as u64),
        answer: row.get(9)?,
        has_picture: row.get(10)?,
        decision: Decision::from_number(row.get(11)?).ok_or_else(|| invalid(11, Type::Integer))?,
        decided: row.get(12)?,
        by: row.get(13)?,
    })
}
