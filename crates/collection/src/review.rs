//! Reviews: lookups whose best match a person is to judge, and has judged.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::entry::Digest;

/// Largest number of bytes of a query's picture: 64 KiB.
pub const REVIEW_PICTURE_BYTES: usize = 64 << 10;
/// Largest number of bytes of an answer: 16 KiB.
pub const REVIEW_ANSWER_BYTES: usize = 16 << 10;
/// Largest number of bytes of a query's name: 4 KiB.
pub const REVIEW_NAME_BYTES: usize = 4 << 10;
/// Largest number of bytes of the name of the person who decides.
pub const REVIEWER_BYTES: usize = 256;
/// Largest number of bytes of a verdict.
pub const VERDICT_BYTES: usize = 16;
/// Largest number of reviews that wait for a decision; further ones are refused.
pub const UNDECIDED_REVIEWS: u64 = 100_000;

/// Review to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReview {
    /// Digest of the query.
    pub query: Digest,
    /// Name of the query; at most [`REVIEW_NAME_BYTES`].
    pub name: String,
    /// Id of the entry that the query was found to show.
    pub entry: i64,
    /// Verdict in a word of lower-case letters, such as `possible`; at most [`VERDICT_BYTES`].
    pub verdict: String,
    /// E-value of the entry; finite.
    pub e_value: f64,
    /// Cosine of query and entry; finite.
    pub cosine: f64,
    /// Places that agree, if the pictures were compared.
    pub inliers: Option<u64>,
    /// Answer for the entry, one JSON object of the caller's; at most [`REVIEW_ANSWER_BYTES`].
    pub answer: String,
    /// Small JPEG of the query; at most [`REVIEW_PICTURE_BYTES`].
    pub picture: Option<Vec<u8>>,
}

/// Outcome of adding a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedReview {
    /// The review is kept under this id.
    New(i64),
    /// The same query was reviewed for the same entry before, under this id; nothing has changed.
    Known(i64),
}

impl AddedReview {
    /// Id of the review.
    pub fn id(self) -> i64 {
        match self {
            Self::New(id) | Self::Known(id) => id,
        }
    }
}

/// Decision on a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Decision {
    /// Nobody has decided, or the decision was taken back.
    #[default]
    Undecided,
    /// The query shows the entry.
    Confirmed,
    /// The query does not show the entry.
    Rejected,
}

impl Decision {
    /// All decisions, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Undecided, Self::Confirmed, Self::Rejected];

    /// Number of the decision where reviews are kept: 0, 1 or 2.
    pub fn number(self) -> i64 {
        match self {
            Self::Undecided => 0,
            Self::Confirmed => 1,
            Self::Rejected => 2,
        }
    }

    /// Decision of a number; `None` for a number that is none.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.number() == number)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undecided => "undecided",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        })
    }
}

impl FromStr for Decision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|decision| decision.to_string() == text);
        found.ok_or_else(|| "expected undecided, confirmed or rejected".to_owned())
    }
}

/// Review of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// Id of the review, ascending in the order in which reviews are added.
    pub id: i64,
    /// Time at which it was added, in seconds since 1970.
    pub asked: i64,
    /// Digest of the query.
    pub query: Digest,
    /// Name of the query.
    pub name: String,
    /// Id of the entry. Its state may have changed since; a dropped entry keeps its reviews.
    pub entry: i64,
    /// Verdict in a word.
    pub verdict: String,
    /// E-value of the entry.
    pub e_value: f64,
    /// Cosine of query and entry.
    pub cosine: f64,
    /// Places that agree, if the pictures were compared.
    pub inliers: Option<u64>,
    /// Answer for the entry, one JSON object.
    pub answer: String,
    /// True if a picture of the query is kept.
    pub has_picture: bool,
    /// Decision of a person.
    pub decision: Decision,
    /// Time of the decision, in seconds since 1970.
    pub decided: Option<i64>,
    /// Person who has decided, if named.
    pub by: Option<String>,
}

impl Review {
    /// Place of the review in a list.
    pub fn cursor(&self) -> ReviewCursor {
        ReviewCursor { is_decided: self.decision != Decision::Undecided, id: self.id }
    }
}

/// Part of a list of reviews: the undecided ones first, the newest of them first, then the decided ones.
///
/// A review that is decided while a list is read may be listed a second time among the decided ones; one whose decision is
/// taken back meanwhile may be missing. Others are listed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReviewPage {
    /// Decision of the reviews; `None` for any.
    pub decision: Option<Decision>,
    /// Place of the review after which the page begins; `None` for the first page.
    pub after: Option<ReviewCursor>,
    /// Largest number of reviews.
    pub limit: usize,
}

/// Place of a review in a list. Its text is `u7` for the undecided review 7 and `d7` for a decided one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReviewCursor {
    /// True in the second part of a list, that of the decided reviews.
    pub is_decided: bool,
    /// Id of the review.
    pub id: i64,
}

impl fmt::Display for ReviewCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_decided { 'd' } else { 'u' }, self.id)
    }
}

impl FromStr for ReviewCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = |is_decided, id: &str| Some(Self { is_decided, id: id.parse().ok()? });
        let found = match text.split_at_checked(1) {
            Some(("u", id)) => place(false, id),
            Some(("d", id)) => place(true, id),
            _ => None,
        };
        found.ok_or_else(|| "expected u or d and the id of a review".to_owned())
    }
}

/// Numbers of reviews by their decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decisions {
    /// Reviews that wait for a decision.
    pub undecided: u64,
    /// Reviews of queries that show the entry.
    pub confirmed: u64,
    /// Reviews of queries that do not show the entry.
    pub rejected: u64,
}

impl Decisions {
    /// Number of decided reviews.
    pub fn decided(&self) -> u64 {
        self.confirmed + self.rejected
    }

    /// Adds reviews of a decision.
    pub fn add(&mut self, decision: Decision, reviews: u64) {
        *match decision {
            Decision::Undecided => &mut self.undecided,
            Decision::Confirmed => &mut self.confirmed,
            Decision::Rejected => &mut self.rejected,
        } += reviews;
    }
}

/// Numbers of reviews by verdict and decision. Of the decided reviews with the verdict `match`, the rejected ones are false
/// matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewCounts {
    /// Numbers for each verdict that reviews have.
    pub by_verdict: BTreeMap<String, Decisions>,
}

impl ReviewCounts {
    /// Numbers for all verdicts together.
    pub fn total(&self) -> Decisions {
        self.by_verdict.values().fold(Decisions::default(), |sum, own| Decisions {
            undecided: sum.undecided + own.undecided,
            confirmed: sum.confirmed + own.confirmed,
            rejected: sum.rejected + own.rejected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_and_cursors_are_read_as_they_are_written() {
        for decision in Decision::ALL {
            assert_eq!(decision.to_string().parse(), Ok(decision));
            assert_eq!(Decision::from_number(decision.number()), Some(decision));
        }
        assert_eq!(Decision::from_number(3), None);
        assert!("maybe".parse::<Decision>().is_err());
        for (is_decided, id) in [(false, 7), (true, 1), (false, i64::MAX), (true, i64::MIN)] {
            let cursor = ReviewCursor { is_decided, id };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for foreign in ["", "u", "x7", "7", "u7 ", "ü7", "d99999999999999999999"] {
            assert!(foreign.parse::<ReviewCursor>().is_err(), "{foreign:?}");
        }
    }
}
