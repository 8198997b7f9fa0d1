//! Report of `find`.

use collection::{Entry, Meta};
use serde::Serialize;

use crate::report::{fields_text, table::table};

/// Queries and their matches.
#[derive(Serialize)]
pub struct FindReport {
    pub collection: String,
    /// Live entries.
    pub entries: u64,
    /// Cells that each query visited.
    pub nprobe: usize,
    /// Duration of the search.
    #[serde(skip)]
    pub seconds: f64,
    pub queries: Vec<Query>,
}

/// A query: an image, or a row of descriptors.
#[derive(Serialize)]
pub struct Query {
    pub query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The most similar first.
    pub matches: Vec<Match>,
}

/// An entry that was found.
#[derive(Serialize)]
pub struct Match {
    id: i64,
    name: String,
    /// Cosine of the descriptors of query and entry.
    cosine: f32,
    state: String,
    #[serde(skip_serializing_if = "Meta::is_empty")]
    meta: Meta,
}

impl Query {
    pub fn new(query: String) -> Self {
        Self { query, error: None, matches: Vec::new() }
    }
}

impl From<(f32, Entry)> for Match {
    fn from((cosine, entry): (f32, Entry)) -> Self {
        let Entry { id, name, state, meta, .. } = entry;
        Self { id, name, cosine, state: state.to_string(), meta }
    }
}

impl FindReport {
    /// Formats the report: a table of the matches, in which a query is named once, and a line about the search.
    pub fn text(&self) -> String {
        let answered = self.queries.iter().filter(|query| query.error.is_none());
        let (found, empty): (Vec<&Query>, Vec<&Query>) =
            answered.partition(|query| !query.matches.is_empty());
        let has_fields = found.iter().any(|query| query.matches.iter().any(|found| !found.meta.is_empty()));
        let headings: &[&str] = match has_fields {
            true => &["query", "found", "fields", "id", "cosine"],
            false => &["query", "found", "id", "cosine"],
        };
        let rows = found.iter().flat_map(|query| query.rows(has_fields));
        let matches = (!found.is_empty()).then(|| table(headings, headings.len() - 2, rows));
        let nothing = empty.iter().map(|query| format!("{}: nothing found", query.query));
        let lines: Vec<String> = matches.into_iter().chain(nothing).chain([self.summary()]).collect();
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let Self { collection, entries, nprobe, seconds, queries } = self;
        let count = |wanted: fn(&Query) -> bool| queries.iter().filter(|query| wanted(query)).count();
        let empty = count(|query| query.error.is_none() && query.matches.is_empty());
        let failed = count(|query| query.error.is_some());
        let counted = |count: usize, what: &str| match count {
            0 => String::new(),
            _ => format!(", {count} {what}"),
        };
        let (queries, entries) =
            (number(queries.len() as u64, "query", "queries"), number(*entries, "entry", "entries"));
        format!(
            "{queries} searched among {entries} of {collection} in {:.1} ms{}{}; nprobe {nprobe}",
            1e3 * seconds,
            counted(empty, "found nothing"),
            counted(failed, "failed"),
        )
    }
}

/// Formats a number and a noun.
fn number(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

impl Query {
    fn rows(&self, has_fields: bool) -> impl Iterator<Item = Vec<String>> {
        self.matches.iter().enumerate().map(move |(rank, found)| {
            let query = if rank == 0 { self.query.clone() } else { String::new() };
            let fields = has_fields.then(|| fields_text(&found.meta));
            let numbers = [found.id.to_string(), format!("{:.4}", found.cosine)];
            [query, found.name.clone()].into_iter().chain(fields).chain(numbers).collect()
        })
    }
}
