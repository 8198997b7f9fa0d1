//! Tables of ISC2021: ground truth and predictions.
//!
//! `groundtruth.csv` has rows `query_id,reference_id`, the second empty for a query without a match; predictions have rows
//! `query_id,reference_id,score`. Headings are written, and optional in tables that are read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{Read, Write},
};

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use super::curve::{Curve, Row};
use crate::error::{Error, Result};

const TRUTH_HEADING: [&str; 2] = ["query_id", "reference_id"];
const PREDICTIONS_HEADING: [&str; 3] = ["query_id", "reference_id", "score"];

/// Matches of all queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroundTruth {
    /// References by query; empty for queries without a match.
    pub matches: BTreeMap<String, BTreeSet<String>>,
}

/// Prediction of a method for a query and a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Id of the query.
    pub query: String,
    /// Id of a reference that it may be a copy of.
    pub reference: String,
    /// Confidence; higher for likelier copies.
    pub score: f64,
}

impl GroundTruth {
    /// Reads `groundtruth.csv`.
    ///
    /// # Errors
    /// [`Error::Line`] for a line without two fields, without a query, or with a repeated pair; [`Error::Csv`].
    ///
    /// ```
    /// use active_index_evaluation::copy_detection::isc::GroundTruth;
    ///
    /// let truth = GroundTruth::read("query_id,reference_id\nQ00000,R000017\nQ00001,\n".as_bytes())?;
    /// assert_eq!((truth.matches.len(), truth.count()), (2, 1));
    /// # Ok::<(), active_index_evaluation::Error>(())
    /// ```
    pub fn read(table: impl Read) -> Result<Self> {
        let mut truth = Self::default();
        for (line, record) in records(table, &TRUTH_HEADING)? {
            let [query, reference] = fields(
                line,
                &record,
                "expected query_id,reference_id with a query, the reference may be empty",
            )?;
            let references = truth.matches.entry(query.to_owned()).or_default();
            if !reference.is_empty() && !references.insert(reference.to_owned()) {
                return Err(line_error(line, "expected each pair once", &record));
            }
        }
        Ok(truth)
    }

    /// Writes `groundtruth.csv`, sorted by query.
    ///
    /// # Errors
    /// [`Error::Csv`].
    pub fn write(&self, sink: impl Write) -> Result<()> {
        let mut writer = writer(sink);
        writer.write_record(TRUTH_HEADING)?;
        for (query, references) in &self.matches {
            if references.is_empty() {
                writer.write_record([query.as_str(), ""])?;
            }
            references.iter().try_for_each(|reference| writer.write_record([query, reference]))?;
        }
        Ok(writer.flush().map_err(csv::Error::from)?)
    }

    /// Returns the number of matching pairs.
    pub fn count(&self) -> usize {
        self.matches.values().map(BTreeSet::len).sum()
    }

    /// Judges predictions by this truth; every query is a photograph.
    ///
    /// # Errors
    /// Those of [`Curve::new`].
    pub fn judge(&self, predictions: &[Prediction]) -> Result<Judged> {
        let mut numbers: HashMap<&str, usize> = self.matches.keys().map(String::as_str).zip(0..).collect();
        let mut matches_of: Vec<usize> = self.matches.values().map(BTreeSet::len).collect();
        let is_match = |Prediction { query, reference, .. }: &Prediction| {
            self.matches.get(query).is_some_and(|references| references.contains(reference))
        };
        let mut rows = Vec::with_capacity(predictions.len());
        for prediction in predictions {
            // Queries beyond the truth have no match.
            let photograph = *numbers.entry(&prediction.query).or_insert_with(|| {
                matches_of.push(0);
                matches_of.len() - 1
            });
            rows.push(Row { score: prediction.score, is_match: is_match(prediction), photograph });
        }
        Ok(Judged { curve: Curve::new(rows, self.count())?, matches_of })
    }
}

/// Predictions judged by the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The predictions, ranked.
    pub curve: Curve,
    /// Number of matches of each query: queries of the truth in order, then queries of predictions alone.
    pub matches_of: Vec<usize>,
}

/// Reads predictions.
///
/// # Errors
/// [`Error::Line`] for a line without three fields, without a query or reference, with a score that is no finite number,
/// or with a repeated pair, as in ISC2021's own evaluation; [`Error::Csv`].
///
/// ```
/// use active_index_evaluation::copy_detection::isc::read_predictions;
///
/// let predictions = read_predictions("Q00000,R000017,-0.25\n".as_bytes())?;
/// assert_eq!(predictions[0].score, -0.25);
/// # Ok::<(), active_index_evaluation::Error>(())
/// ```
pub fn read_predictions(table: impl Read) -> Result<Vec<Prediction>> {
    let (mut predictions, mut seen) = (Vec::new(), BTreeSet::new());
    for (line, record) in records(table, &PREDICTIONS_HEADING)? {
        let [query, reference, score] = fields(line, &record, "expected query_id,reference_id,score")?;
        if reference.is_empty() {
            return Err(line_error(line, "expected a reference", &record));
        }
        let score: Option<f64> = score.parse().ok().filter(|score: &f64| score.is_finite());
        let score =
            score.ok_or_else(|| line_error(line, "expected a finite number as the score", &record))?;
        if !seen.insert((query.to_owned(), reference.to_owned())) {
            return Err(line_error(line, "expected each pair once", &record));
        }
        predictions.push(Prediction { query: query.to_owned(), reference: reference.to_owned(), score });
    }
    Ok(predictions)
}

/// Writes predictions in their order.
///
/// # Errors
/// [`Error::Csv`].
pub fn write_predictions(predictions: &[Prediction], sink: impl Write) -> Result<()> {
    let mut writer = writer(sink);
    writer.write_record(PREDICTIONS_HEADING)?;
    for Prediction { query, reference, score } in predictions {
        writer.write_record([query, reference, &score.to_string()])?;
    }
    Ok(writer.flush().map_err(csv::Error::from)?)
}

/// Returns all records but the heading, with the numbers of their lines.
fn records(table: impl Read, heading: &[&str]) -> Result<Vec<(u64, StringRecord)>> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table);
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        if line != 1 || record.iter().map(str::trim).ne(heading.iter().copied()) {
            records.push((line, record));
        }
    }
    Ok(records)
}

/// Returns the fields of a record; the first must not be empty.
fn fields<'a, const N: usize>(
    line: u64,
    record: &'a StringRecord,
    expected: &'static str,
) -> Result<[&'a str; N]> {
    let fields: Vec<&str> = record.iter().map(str::trim).collect();
    let fields: Option<[&str; N]> = fields.try_into().ok();
    fields.filter(|fields| !fields[0].is_empty()).ok_or_else(|| line_error(line, expected, record))
}

fn line_error(line: u64, expected: &'static str, record: &StringRecord) -> Error {
    let found: String = record.iter().collect::<Vec<_>>().join(",").chars().take(80).collect();
    Error::Line { line, expected, found }
}

fn writer<W: Write>(sink: W) -> csv::Writer<W> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(sink)
}
