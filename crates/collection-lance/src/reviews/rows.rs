//! Rows of the table of reviews.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int8Array, Int64Array, LargeBinaryArray, RecordBatch,
    StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use collection::{Decision, Digest, Error, KeptReview, NewReview, Result, Review};
use sha2::{Digest as _, Sha256};

use crate::entries::{Columns, digest, optional};

/// Columns that a [`Review`] is made of.
pub const REVIEW: [&str; 14] = [
    "id",
    "asked",
    "query",
    "name",
    "entry",
    "verdict",
    "e_value",
    "cosine",
    "inliers",
    "answer",
    "has_picture",
    "decision",
    "decided",
    "decided_by",
];

/// Columns of the table.
pub fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        // Hash of the query and the entry.
        Field::new("key", DataType::Int64, false),
        Field::new("asked", DataType::Int64, false),
        // Hexadecimal digits.
        Field::new("query", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("entry", DataType::Int64, false),
        Field::new("verdict", DataType::Utf8, false),
        Field::new("e_value", DataType::Float64, false),
        Field::new("cosine", DataType::Float64, false),
        Field::new("inliers", DataType::Int64, true),
        // One JSON object.
        Field::new("answer", DataType::Utf8, false),
        Field::new("has_picture", DataType::Boolean, false),
        Field::new("picture", DataType::LargeBinary, true),
        // Numbers of `Decision`.
        Field::new("decision", DataType::Int8, false),
        Field::new("decided", DataType::Int64, true),
        Field::new("decided_by", DataType::Utf8, true),
        // Sum of the columns that never change.
        Field::new("sum", DataType::Int64, false),
    ])
}

/// Hash of a query and an entry: the first 8 bytes of their SHA-256.
pub fn key(query: &Digest, entry: i64) -> i64 {
    let hash = Sha256::new().chain_update(b"review").chain_update(query.bytes());
    first_bytes(hash.chain_update(entry.to_le_bytes()))
}

/// Hash of an id, apart from those of queries and entries.
pub fn key_of_id(id: i64) -> i64 {
    first_bytes(Sha256::new().chain_update(b"id").chain_update(id.to_le_bytes()))
}

fn first_bytes(hash: Sha256) -> i64 {
    i64::from_le_bytes(*hash.finalize().first_chunk().expect("SHA-256 has 32 bytes"))
}

/// Key of a review.
pub fn key_of(KeptReview { review, .. }: &KeptReview) -> i64 {
    key(&review.query, review.entry)
}

/// Batch of reviews.
///
/// # Errors
/// Arrow refuses the columns, which it does not in practice.
pub fn batch(schema: Arc<Schema>, kept: &[KeptReview]) -> Result<RecordBatch> {
    let reviews = || kept.iter().map(|kept| &kept.review);
    let numbers =
        |of: fn(&Review) -> i64| -> ArrayRef { Arc::new(reviews().map(of).collect::<Int64Array>()) };
    let reals =
        |of: fn(&Review) -> f64| -> ArrayRef { Arc::new(reviews().map(of).collect::<Float64Array>()) };
    let texts = |of: fn(&Review) -> Option<&str>| -> ArrayRef {
        Arc::new(reviews().map(of).collect::<StringArray>())
    };
    let queries = reviews().map(|review| Some(review.query.to_string()));
    let inliers = reviews().map(|review| review.inliers.map(|inliers| inliers as i64));
    let pictures = kept.iter().map(|kept| kept.picture.as_deref());
    let columns: Vec<ArrayRef> = vec![
        numbers(|review| review.id),
        numbers(|review| key(&review.query, review.entry)),
        numbers(|review| review.asked),
        Arc::new(queries.collect::<StringArray>()),
        texts(|review| Some(&review.name)),
        numbers(|review| review.entry),
        texts(|review| Some(&review.verdict)),
        reals(|review| review.e_value),
        reals(|review| review.cosine),
        Arc::new(inliers.collect::<Int64Array>()),
        texts(|review| Some(&review.answer)),
        Arc::new(reviews().map(|review| Some(review.has_picture)).collect::<BooleanArray>()),
        Arc::new(pictures.collect::<LargeBinaryArray>()),
        Arc::new(reviews().map(|review| review.decision.number() as i8).collect::<Int8Array>()),
        Arc::new(reviews().map(|review| review.decided).collect::<Int64Array>()),
        texts(|review| review.by.as_deref()),
        Arc::new(
            kept.iter().map(|kept| sum_of_row(&kept.review, kept.picture.as_deref())).collect::<Int64Array>(),
        ),
    ];
    RecordBatch::try_new(schema, columns)
        .map_err(|error| Error::argument("rows of reviews", "what Arrow accepts", error))
}

/// Review as it is kept at first.
pub fn undecided(id: i64, asked: i64, new: &NewReview) -> KeptReview {
    let review = Review {
        id,
        asked,
        query: new.query.clone(),
        name: new.name.clone(),
        entry: new.entry,
        verdict: new.verdict.clone(),
        // Makes 0 of -0, as SQLite does.
        e_value: new.e_value + 0.0,
        cosine: new.cosine + 0.0,
        inliers: new.inliers.map(|inliers| inliers.min(i64::MAX as u64)),
        answer: new.answer.clone(),
        has_picture: new.picture.is_some(),
        decision: Decision::Undecided,
        decided: None,
        by: None,
    };
    KeptReview { review, picture: new.picture.clone() }
}

/// Review under an id.
pub fn with_id(kept: &KeptReview, id: i64) -> KeptReview {
    KeptReview { review: Review { id, ..kept.review.clone() }, picture: kept.picture.clone() }
}

/// Reviews of a batch with the columns [`REVIEW`].
///
/// # Errors
/// A column that lacks or has another type; a digest or a decision that is none.
pub fn reviews(batch: &RecordBatch, location: &str) -> Result<Vec<Review>> {
    let columns = Columns::new(batch, location);
    let [ids, asked, entries, inliers, decided] =
        ["id", "asked", "entry", "inliers", "decided"].map(|column| columns.i64(column));
    let (ids, asked, entries, inliers, decided) = (ids?, asked?, entries?, inliers?, decided?);
    let [queries, names, verdicts, answers, persons] =
        ["query", "name", "verdict", "answer", "decided_by"].map(|column| columns.text(column));
    let (queries, names, verdicts, answers, persons) = (queries?, names?, verdicts?, answers?, persons?);
    let (e_values, cosines) = (columns.f64("e_value")?, columns.f64("cosine")?);
    let (pictures, decisions) = (columns.flag("has_picture")?, columns.i8("decision")?);
    let number = |numbers: &Int64Array, row: usize| numbers.is_valid(row).then(|| numbers.value(row));
    let review = |row: usize| {
        let damaged =
            |what: &str| Error::damaged(location.as_ref(), format!("review {}: {what}", ids.value(row)));
        Ok(Review {
            id: ids.value(row),
            asked: asked.value(row),
            query: digest(queries.value(row)).ok_or_else(|| damaged("query"))?,
            name: names.value(row).to_owned(),
            entry: entries.value(row),
            verdict: verdicts.value(row).to_owned(),
            e_value: e_values.value(row),
            cosine: cosines.value(row),
            inliers: number(inliers, row).map(|inliers| inliers.max(0) as u64),
            answer: answers.value(row).to_owned(),
            has_picture: pictures.value(row),
            decision: Decision::from_number(decisions.value(row).into())
                .ok_or_else(|| damaged("decision"))?,
            decided: number(decided, row),
            by: optional(persons, row).map(str::to_owned),
        })
    };
    (0..batch.num_rows()).map(review).collect()
}

/// Sum of the parts of a review that never change: the first 8 bytes of their SHA-256, each text behind its length.
pub fn sum_of_row(review: &Review, picture: Option<&[u8]>) -> i64 {
    let Review { id, asked, query, name, entry, verdict, e_value, cosine, inliers, answer, .. } = review;
    let mut hash = Sha256::new();
    for number in [*id, *asked, *entry, inliers.map_or(-1, |inliers| inliers as i64)] {
        hash.update(number.to_le_bytes());
    }
    for real in [e_value, cosine] {
        hash.update(real.to_le_bytes());
    }
    for bytes in [query.bytes(), name.as_bytes(), verdict.as_bytes(), answer.as_bytes()] {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    if let Some(picture) = picture {
        hash.update(picture.len().to_le_bytes());
        hash.update(picture);
    }
    first_bytes(hash)
}
