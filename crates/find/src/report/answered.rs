//! Queries with the entries that were found for them.

use collection::{Collection, Entry, State};
use looks::Look;
use serde::Serialize;

use super::Match;
use crate::{
    answer::{self, Answer},
    error::Result,
};

/// Query with its matches: an image, or a row of descriptors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// Name of the query.
    pub query: String,
    /// Reason why it was not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Views that were described.
    pub looks: usize,
    /// Cells that were visited in all looks.
    pub cells: usize,
    /// Entries, the smallest E-value first.
    pub matches: Vec<Match>,
}

impl Answered {
    /// Query without an answer.
    pub fn new(query: String) -> Self {
        Self { query, error: None, looks: 0, cells: 0, matches: Vec::new() }
    }

    /// Query that could not be looked up.
    pub fn failed(query: String, reason: String) -> Self {
        Self { error: Some(reason), ..Self::new(query) }
    }

    /// Best match, if there is one.
    pub fn best(&self) -> Option<&Match> {
        self.matches.first()
    }
}

/// Answer with the entries of its matches.
#[derive(Debug, Clone, PartialEq)]
pub struct WithEntries {
    /// Answer without its matches.
    answer: Answer,
    /// Matches and their entries, the smallest E-value first.
    pub matches: Vec<(answer::Match, Entry)>,
}

impl WithEntries {
    /// Views of the query, in the order in which they were searched.
    pub fn views(&self) -> &[Look] {
        &self.answer.views
    }

    /// Report on the answer to a query.
    pub fn answered(self, query: String) -> Answered {
        let Answer { failure: error, looks, cells, .. } = self.answer;
        let matches = self.matches.into_iter().map(Match::from).collect();
        Answered { query, error, looks, cells, matches }
    }
}

/// Reads the entries of all matches at once. An entry that was withdrawn since is no match.
///
/// # Errors
/// If the collection cannot be read.
pub fn with_entries(collection: &Collection, answers: Vec<Answer>) -> Result<Vec<WithEntries>> {
    let found = answers.iter().flat_map(|answer| &answer.matches);
    let ids: Vec<i64> = found.map(|found| found.id).collect();
    let mut entries = collection.entries(&ids)?.into_iter();
    let one = |mut answer: Answer| {
        let matches = std::mem::take(&mut answer.matches).into_iter();
        // Each match takes its entry, whether it is left out or not.
        let pairs = matches.filter_map(|found| Some((found, entries.next()??)));
        let matches = pairs.filter(|(_, entry)| entry.state == State::Live).collect();
        WithEntries { answer, matches }
    };
    Ok(answers.into_iter().map(one).collect())
}
