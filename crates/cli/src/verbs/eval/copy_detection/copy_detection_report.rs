//! Report of `eval copy-detection`.

use std::fmt::Write;

use anyhow::Result;
use evaluation::{
    Edit,
    bootstrap::Bootstrap,
    copy_detection::{
        Config, EditFigures, Figures, Findings, Measured, Sides,
        isc::{GroundTruth, Prediction},
    },
};
use serde::Serialize;

use super::super::settings::Settings;
use crate::report::table::{decimal, table};

/// Figures of copy detection.
#[derive(Serialize)]
pub struct CopyDetectionReport {
    /// Number of query images.
    #[serde(rename = "images")]
    pub photographs: usize,
    /// Number of query images without a match.
    pub distractors: usize,
    pub queries: usize,
    /// Number of pairs of a query and a reference that match.
    pub matches: usize,
    pub passive: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Figures>,
    /// Figures of each edit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<DetectionRow>,
    resamples: usize,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    search: Option<SearchSettings>,
}

/// Scope and cost of the search.
#[derive(Serialize)]
pub struct Scope {
    pub references: usize,
    /// Number of entries of the index.
    pub entries: usize,
    /// Number of images that were to be queries.
    pub planned: usize,
    pub partial: bool,
    pub seconds: f64,
    pub network_seconds: f64,
    /// Number of descriptors that the network computed.
    pub described: usize,
    /// Number of descriptors that scores are normalised by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<usize>,
    pub settings: Settings,
}

/// Settings and scope of the search.
#[derive(Serialize)]
struct SearchSettings {
    nprobe: usize,
    k: usize,
    #[serde(flatten)]
    scope: Scope,
}

/// Figures of one edit.
#[derive(Serialize)]
pub struct DetectionRow {
    pub name: &'static str,
    pub param: Option<f32>,
    pub passive: EditFigures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<EditFigures>,
}

/// Returns the row of a ranking in the table.
fn cells(name: &str, measured: &Measured) -> Vec<String> {
    let [low, high] = measured.interval;
    let average = format!("{:.3} [{low:.2}, {high:.2}]", measured.micro_ap);
    vec![name.to_owned(), average, decimal(measured.recall_at_p90, 3), decimal(measured.threshold_at_p90, 4)]
}

/// Returns the rankings of a side with their names: by cosine, normalised, by code.
fn rankings<'a>(side: &'a Figures, names: [&'static str; 3]) -> Vec<(&'static str, &'a Measured)> {
    let all = [Some(&side.plain), side.normalised.as_ref(), side.by_code.as_ref()];
    names.into_iter().zip(all).filter_map(|(name, measured)| Some((name, measured?))).collect()
}

impl DetectionRow {
    /// Returns the edit with its parameter.
    pub fn label(&self) -> String {
        self.param.map_or(self.name.to_owned(), |param| format!("{} {param}", self.name))
    }
}

impl CopyDetectionReport {
    pub fn new(config: &Config, findings: &Findings, figures: Sides, scope: Scope, resamples: usize) -> Self {
        let queries = &findings.queries;
        let matches_of = queries.matches_of_photographs();
        let row = |(edit, (passive, released)): (&Edit, (EditFigures, Option<EditFigures>))| DetectionRow {
            name: edit.name(),
            param: edit.param(),
            passive,
            released,
        };
        let (nprobe, k) = (config.nprobe.get(), config.k.get());
        Self {
            photographs: queries.photographs.len(),
            distractors: matches_of.iter().filter(|matches| **matches == 0).count(),
            queries: queries.all.len(),
            matches: queries.matches(None),
            passive: figures.passive,
            released: figures.released,
            transforms: config.edits.iter().zip(figures.edits).map(row).collect(),
            resamples,
            search: Some(SearchSettings { nprobe, k, scope }),
        }
    }

    /// Evaluates predictions of another method. Each query counts as a photograph.
    ///
    /// # Errors
    /// If the predictions do not fit the ground truth.
    pub fn of_predictions(
        truth: &GroundTruth,
        predictions: &[Prediction],
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let (plain, matches_of) = Measured::of_predictions(truth, predictions, &bootstrap)?;
        Ok(Self {
            photographs: matches_of.len(),
            distractors: matches_of.iter().filter(|matches| **matches == 0).count(),
            queries: matches_of.len(),
            matches: truth.count(),
            passive: Figures { plain, normalised: None, by_code: None },
            released: None,
            transforms: Vec::new(),
            resamples: bootstrap.resamples,
            search: None,
        })
    }

    /// Returns the number of images that were to be queries.
    pub fn planned(&self) -> usize {
        self.search.as_ref().map_or(self.photographs, |search| search.scope.planned)
    }

    /// Returns the settings as pairs of a name and a value.
    pub fn settings_rows(&self) -> Vec<(&'static str, String)> {
        let Some(SearchSettings { nprobe, k, scope }) = &self.search else { return Vec::new() };
        let mut rows = scope.settings.rows();
        let share = 100.0 * scope.network_seconds / scope.seconds;
        rows.extend([
            ("entries per query", format!("{k} by their descriptors, chosen by codes of nprobe {nprobe}")),
            (
                "scores",
                "cosine of the descriptors of query and image; the decoded code of an entry that is none of the images"
                    .to_owned(),
            ),
            ("ties", "wrong candidates first, as in ISC2021".to_owned()),
            (
                "background",
                scope.background.map_or_else(|| "none".to_owned(), |n| format!("{n} descriptors")),
            ),
            ("intervals", format!("95 %, percentile bootstrap over images, {} resamples", self.resamples)),
            (
                "time",
                format!(
                    "{:.1} s, {share:.0} % of it in the network for {} descriptors",
                    scope.seconds, scope.described
                ),
            ),
        ]);
        rows
    }

    /// Returns true if the evaluation was interrupted.
    pub fn is_partial(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.scope.partial)
    }

    /// Returns the names and figures of all curves.
    pub fn curves(&self) -> Vec<(&'static str, &Measured)> {
        let names = ["originals", "originals, normalised", "originals, by code"];
        let mut all = rankings(&self.passive, names);
        let names = ["released", "released, normalised", "released, by code"];
        all.extend(self.released.iter().flat_map(|side| rankings(side, names)));
        all
    }

    /// Describes the queries and entries in one sentence.
    pub fn scope(&self) -> String {
        let Self { photographs, distractors, queries, matches, .. } = self;
        let mut text = String::new();
        if self.is_partial() {
            let planned = self.planned();
            let _ = write!(text, "PARTIAL, interrupted after {photographs} of {planned} images: ");
        }
        let _ = write!(
            text,
            "{queries} queries of {photographs} images, {distractors} of them without a match; {matches} matches"
        );
        if let Some(SearchSettings { nprobe, k, scope }) = &self.search {
            let Scope { entries, references, .. } = scope;
            let _ = write!(
                text,
                " among {entries} entries ({references} of them references), {k} of nprobe {nprobe}"
            );
            if let Some(background) = scope.background {
                let _ = write!(text, ", normalised by {background} descriptors");
            }
        }
        text
    }

    /// Formats the report.
    pub fn text(&self) -> String {
        let headings = ["queries", "micro-AP [95 %]", "recall at precision 0.9", "threshold"];
        let rows = self.curves().into_iter().map(|(name, figures)| cells(name, figures));
        let mut text = format!("{}\n{}", table(&headings, 1, rows), self.scope());
        if !self.transforms.is_empty() {
            let _ = write!(text, "\n\n{}", self.edits());
        }
        if let Some(SearchSettings { scope, .. }) = &self.search {
            let Scope { seconds, network_seconds, described, .. } = scope;
            let share = 100.0 * network_seconds / seconds;
            let _ = write!(
                text,
                "\n{seconds:.1} s, {share:.0} % of it in the network for {described} descriptors"
            );
        }
        text
    }

    /// Formats the table of edits.
    fn edits(&self) -> String {
        let columns = ["micro-AP [95 %]", "recall at threshold"];
        let mut headings = vec!["edit"];
        headings.extend(columns);
        if self.released.is_some() {
            headings.extend(["released micro-AP", "recall at threshold"]);
        }
        let side = |figures: &EditFigures| {
            let [low, high] = figures.interval;
            let average = format!("{:.3} [{low:.2}, {high:.2}]", figures.micro_ap);
            [average, decimal(figures.recall_at_threshold, 3)]
        };
        let cells = |row: &DetectionRow| {
            let sides = std::iter::once(&row.passive).chain(&row.released).flat_map(side);
            std::iter::once(row.label()).chain(sides).collect()
        };
        table(&headings, 1, self.transforms.iter().map(cells))
    }
}
