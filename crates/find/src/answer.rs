//! Answers to queries.

use std::{fmt, time::Duration};

use looks::Look;
use serde::{Deserialize, Serialize};
use witness::Comparison;

/// Judgement of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Chance hardly explains the evidence: the E-value is at most [`Settings::max_e`](crate::Settings::max_e). The pictures agree;
    /// where they cannot be compared, the cosine is at least .65.
    Match,
    /// Chance may explain the evidence (the E-value is at most 1), or likeness does: the pictures do not agree, or cannot be
    /// compared and are not near enough.
    Possible,
    /// Chance explains the evidence.
    Unlikely,
}

impl Verdict {
    /// Judgement by an E-value, where matches have at most `max_e`.
    pub fn of(e_value: f64, max_e: f64) -> Self {
        if e_value <= max_e {
            Self::Match
        } else if e_value <= 1.0 {
            Self::Possible
        } else {
            Self::Unlikely
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Match => "match",
            Self::Possible => "possible",
            Self::Unlikely => "unlikely",
        })
    }
}

/// Entry that looks like the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Id of the entry.
    pub id: i64,
    /// Judgement.
    pub verdict: Verdict,
    /// Expected number of unrelated entries that show as much evidence to a query without a match.
    pub e_value: f64,
    /// Largest cosine of a view and the entry.
    pub cosine: f32,
    /// E-value of that cosine alone.
    pub cosine_e: f64,
    /// The view.
    pub look: Look,
    /// Comparison of query and witness, if there was one.
    pub comparison: Option<Comparison>,
}

/// Answer to a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Entries by their E-values, the smallest first.
    pub matches: Vec<Match>,
    /// Number of views that were described and searched.
    pub looks: usize,
    /// These views, in the order in which they were searched.
    pub views: Vec<Look>,
    /// Cells that were visited, counted for each view.
    pub cells: usize,
    /// Witnesses that were compared.
    pub comparisons: usize,
    /// Reason why the picture could not be described.
    pub failure: Option<String>,
    /// Time spent on the query.
    pub times: Times,
}

impl Answer {
    /// Returns true if an entry is a match.
    pub fn is_confirmed(&self) -> bool {
        self.matches.first().is_some_and(|first| first.verdict == Verdict::Match)
    }
}

/// Time spent on a query; that of work on several queries at once is divided evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Making and describing views.
    pub network: Duration,
    /// Searching.
    pub search: Duration,
    /// Comparing with witnesses.
    pub witness: Duration,
}

impl Times {
    /// Sum of all times.
    pub fn total(&self) -> Duration {
        self.network + self.search + self.witness
    }
}
