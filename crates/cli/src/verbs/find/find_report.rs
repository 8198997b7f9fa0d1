//! Report of `find`.

use find::{
    Verdict,
    report::{Answered, Search, Seen, e_text},
};
use serde::Serialize;

use crate::report::{fields_text, table::table};

/// Queries and their matches.
#[derive(Serialize)]
pub struct FindReport {
    #[serde(flatten)]
    pub search: Search,
    /// Duration of the search, of further looks and of comparisons.
    #[serde(skip)]
    pub seconds: f64,
    /// True if the user ended the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Queries that an interruption left.
    #[serde(skip)]
    pub left: usize,
    pub queries: Vec<Answered>,
}

/// Rows of a query's matches in the table.
fn rows(query: &Answered, has_fields: bool) -> impl Iterator<Item = Vec<String>> {
    query.matches.iter().enumerate().map(move |(rank, found)| {
        let query = if rank == 0 { query.query.clone() } else { String::new() };
        let fields = has_fields.then(|| fields_text(&found.meta));
        let seen = found.seen.as_ref().map_or_else(|| found.look.clone(), Seen::text);
        let numbers = [found.id.to_string(), e_text(found.e_value), format!("{:.4}", found.cosine)];
        let words = [query, found.name.clone(), found.verdict.to_string()];
        words.into_iter().chain(fields).chain([seen]).chain(numbers).collect()
    })
}

impl FindReport {
    /// Formats the report: a table of the matches, in which a query is named once, and a line about the search.
    pub fn text(&self) -> String {
        let answered = self.queries.iter().filter(|query| query.error.is_none());
        let (found, empty): (Vec<&Answered>, Vec<&Answered>) =
            answered.partition(|query| !query.matches.is_empty());
        let has_fields = found.iter().any(|query| query.matches.iter().any(|found| !found.meta.is_empty()));
        let headings: &[&str] = match has_fields {
            true => &["query", "found", "verdict", "fields", "seen as", "id", "E", "cosine"],
            false => &["query", "found", "verdict", "seen as", "id", "E", "cosine"],
        };
        let rows = found.iter().flat_map(|query| rows(query, has_fields));
        let matches = (!found.is_empty()).then(|| table(headings, headings.len() - 3, rows));
        let nothing = empty.iter().map(|query| format!("{}: nothing found", query.query));
        let lines: Vec<String> = matches.into_iter().chain(nothing).chain([self.summary()]).collect();
        lines.join("\n")
    }

    /// Returns a last line after an interruption, with the line break in front.
    pub fn left_line(&self) -> String {
        match self.interrupted {
            true => format!("\ninterrupted with {} left", self.left),
            false => String::new(),
        }
    }

    /// Formats a line about the search.
    pub fn summary(&self) -> String {
        let Self { search: Search { collection, entries, looks, nprobe, calibration, .. }, .. } = self;
        let Self { seconds, queries, .. } = self;
        let count = |wanted: &dyn Fn(&Answered) -> bool| queries.iter().filter(|query| wanted(query)).count();
        let answered = |verdict: Option<Verdict>| {
            count(&|query| query.error.is_none() && query.best().map(|best| best.verdict) == verdict)
        };
        let counted = |count: usize, what: &str| match count {
            0 => String::new(),
            _ => format!(", {count} {what}"),
        };
        let (queries, entries) =
            (number(queries.len() as u64, "query", "queries"), number(*entries, "entry", "entries"));
        format!(
            "{queries} searched among {entries} of {collection} in {:.1} ms{}{}{}{}{}; at most {} in {nprobe} cells; {calibration}",
            1e3 * seconds,
            counted(answered(Some(Verdict::Match)), "matched"),
            counted(answered(Some(Verdict::Possible)), "possibly"),
            counted(answered(Some(Verdict::Unlikely)), "unlikely"),
            counted(answered(None), "found nothing"),
            counted(count(&|query| query.error.is_some()), "failed"),
            number(*looks as u64, "look", "looks"),
        )
    }
}

/// Formats a number and a noun.
fn number(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
