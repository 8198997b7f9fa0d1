//! Report of `find`.

use collection::{Entry, Meta};
use find::Verdict;
use serde::Serialize;
use witness::{Comparison, Fit};

use crate::report::{CalibrationReport, fields_text, table::table};

/// Queries and their matches.
#[derive(Serialize)]
pub struct FindReport {
    pub collection: String,
    /// Live entries.
    pub entries: u64,
    /// Largest number of views of a query that are described.
    pub looks: usize,
    /// Largest number of cells that a look visits.
    pub nprobe: usize,
    /// Largest E-value of a match.
    pub max_e: f64,
    pub calibration: CalibrationReport,
    /// Duration of the search, of further looks and of comparisons.
    #[serde(skip)]
    pub seconds: f64,
    /// True if the user ended the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Queries that an interruption left.
    #[serde(skip)]
    pub left: usize,
    pub queries: Vec<Asked>,
}

/// A query: an image, or a row of descriptors.
#[derive(Serialize)]
pub struct Asked {
    pub query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Views that were described.
    pub looks: usize,
    /// Cells that were visited in all looks.
    pub cells: usize,
    /// Smallest E-value first.
    pub matches: Vec<Match>,
}

/// An entry that was found.
#[derive(Serialize)]
pub struct Match {
    pub id: i64,
    pub name: String,
    /// `match`, `possible`, or `unlikely` with `--all`.
    pub verdict: String,
    /// Number of entries that would look at least this much alike by chance.
    pub e_value: f64,
    /// Cosine of the descriptors of the best look and of the entry.
    pub cosine: f32,
    /// View of the query that is nearest to the entry.
    pub look: String,
    #[serde(flatten)]
    pub seen: Option<Seen>,
    state: String,
    #[serde(skip_serializing_if = "Meta::is_empty")]
    pub meta: Meta,
}

/// Outcome of laying the query over the entry's picture.
#[derive(Serialize)]
pub struct Seen {
    /// Keypoints that agree with one position of the entry's picture on the query.
    inliers: usize,
    /// True if either picture has too few keypoints to decide by.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    flat: bool,
    /// Correlation of the pictures where they overlap, -1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<f32>,
    #[serde(flatten)]
    place: Option<PlaceOnQuery>,
}

/// Position of an entry's picture on the query.
#[derive(Serialize)]
struct PlaceOnQuery {
    /// Corners of the entry's picture in shares of the query's width and height, clockwise from its upper left.
    region: [[f32; 2]; 4],
    /// Turn in degrees, clockwise.
    degrees: f32,
    mirrored: bool,
}

impl From<Comparison> for Seen {
    fn from(comparison: Comparison) -> Self {
        let Comparison { inliers, is_flat, agreement, fit, .. } = comparison;
        let place = |Fit { region, degrees, mirrored, .. }: Fit| PlaceOnQuery { region, degrees, mirrored };
        Self { inliers, flat: is_flat, agreement, place: fit.map(place) }
    }
}

impl Seen {
    /// Formats the outcome in words.
    pub fn text(&self) -> String {
        let Some(PlaceOnQuery { degrees, mirrored, .. }) = self.place else {
            return if self.flat { "flat picture".to_owned() } else { "not confirmed".to_owned() };
        };
        let turned = match degrees.round() as i32 {
            0 => String::new(),
            degrees => format!(", turned by {degrees} degrees"),
        };
        let mirrored = if mirrored { ", mirrored" } else { "" };
        format!("{} points{turned}{mirrored}", self.inliers)
    }
}

impl Asked {
    pub fn new(query: String) -> Self {
        Self { query, error: None, looks: 0, cells: 0, matches: Vec::new() }
    }

    /// Verdict on the best match, if there is one.
    fn verdict(&self) -> Option<&str> {
        self.matches.first().map(|best| best.verdict.as_str())
    }

    fn rows(&self, has_fields: bool) -> impl Iterator<Item = Vec<String>> {
        self.matches.iter().enumerate().map(move |(rank, found)| {
            let query = if rank == 0 { self.query.clone() } else { String::new() };
            let fields = has_fields.then(|| fields_text(&found.meta));
            let seen = found.seen.as_ref().map_or_else(|| found.look.clone(), Seen::text);
            let numbers = [found.id.to_string(), e_text(found.e_value), format!("{:.4}", found.cosine)];
            let words = [query, found.name.clone(), found.verdict.clone()];
            words.into_iter().chain(fields).chain([seen]).chain(numbers).collect()
        })
    }
}

impl From<(find::Match, Entry)> for Match {
    fn from((found, entry): (find::Match, Entry)) -> Self {
        let find::Match { verdict, e_value, cosine, look, comparison, .. } = found;
        let Entry { id, name, state, meta, .. } = entry;
        let (look, seen) = (look.to_string(), comparison.map(Seen::from));
        let verdict = verdict.to_string();
        Self { id, name, verdict, e_value, cosine, look, seen, state: state.to_string(), meta }
    }
}

impl Match {
    /// Formats the match in words.
    pub fn text(&self) -> String {
        let Self { name, verdict, e_value, cosine, look, seen, .. } = self;
        let seen = seen.as_ref().map_or_else(String::new, |seen| format!(", {}", seen.text()));
        format!("{verdict} {name}, E {}, cosine {cosine:.2} ({look}){seen}", e_text(*e_value))
    }
}

/// Formats an E-value: `3e-12`, `0.04`, `2.1`.
pub fn e_text(e: f64) -> String {
    if e > 0.0 && e < 0.01 { format!("{e:.0e}") } else { format!("{e:.2}") }
}

impl FindReport {
    /// Formats the report: a table of the matches, in which a query is named once, and a line about the search.
    pub fn text(&self) -> String {
        let answered = self.queries.iter().filter(|query| query.error.is_none());
        let (found, empty): (Vec<&Asked>, Vec<&Asked>) =
            answered.partition(|query| !query.matches.is_empty());
        let has_fields = found.iter().any(|query| query.matches.iter().any(|found| !found.meta.is_empty()));
        let headings: &[&str] = match has_fields {
            true => &["query", "found", "verdict", "fields", "seen as", "id", "E", "cosine"],
            false => &["query", "found", "verdict", "seen as", "id", "E", "cosine"],
        };
        let rows = found.iter().flat_map(|query| query.rows(has_fields));
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
        let Self { collection, entries, looks, nprobe, seconds, queries, calibration, .. } = self;
        let count = |wanted: &dyn Fn(&Asked) -> bool| queries.iter().filter(|query| wanted(query)).count();
        let answered = |verdict: Option<Verdict>| {
            let verdict = verdict.map(|verdict| verdict.to_string());
            count(&|query| query.error.is_none() && query.verdict() == verdict.as_deref())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_values_are_short() {
        let texts = [0.0, 3.2e-12, 0.0099, 0.04, 1.0, 250.0].map(e_text);
        assert_eq!(texts, ["0.00", "3e-12", "1e-2", "0.04", "1.00", "250.00"]);
    }
}
