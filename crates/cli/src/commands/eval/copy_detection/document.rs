//! What `--json` prints, and the same as text.

use std::fmt::Write;

use anyhow::Result;
use evaluation::{
    Edit,
    bootstrap::Bootstrap,
    copy_detection::{
        Curve, Point, Ties,
        isc::{GroundTruth, Prediction},
    },
};
use serde::Serialize;

use super::{
    super::settings::Settings,
    rows::{Named, Queries, Sides, curve},
};
use crate::{
    args::EvalCopyDetection,
    output::SCHEMA,
    table::{decimal, table},
};

/// The precision that a threshold is sought for.
const PRECISION: f64 = 0.9;
/// Steps of recall in the curve of the document.
const STEPS: usize = 100;

#[derive(Serialize)]
pub struct Document {
    schema: u32,
    /// Query images.
    #[serde(rename = "images")]
    pub photographs: usize,
    /// Query images without a match.
    pub distractors: usize,
    pub queries: usize,
    /// Pairs of a query and a reference that match.
    pub matches: usize,
    pub passive: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Figures>,
    /// Of the queries of each edit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Row>,
    resamples: usize,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    search: Option<SearchSettings>,
}

/// What was searched, and how it went.
#[derive(Serialize)]
pub struct Scope {
    pub references: usize,
    /// Entries of the index.
    pub entries: usize,
    /// Query images that there were to be.
    pub planned: usize,
    pub partial: bool,
    pub seconds: f64,
    pub network_seconds: f64,
    /// Descriptors that the network made.
    pub described: usize,
    /// Descriptors that scores are normalised by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<usize>,
    pub settings: Settings,
}

#[derive(Serialize)]
struct SearchSettings {
    nprobe: usize,
    k: usize,
    #[serde(flatten)]
    scope: Scope,
}

/// How well one side does.
#[derive(Serialize)]
pub struct Figures {
    #[serde(flatten)]
    pub plain: Measured,
    /// With scores less the similarity to the background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalised: Option<Measured>,
}

#[derive(Serialize)]
pub struct Measured {
    pub micro_ap: f64,
    /// 95 % of the resamples are within.
    pub interval: [f64; 2],
    /// Null where no threshold gives that precision.
    pub recall_at_p90: Option<f64>,
    pub threshold_at_p90: Option<f64>,
    pub curve: Vec<CurvePoint>,
}

#[derive(Serialize, Clone, Copy)]
pub struct CurvePoint {
    pub recall: f64,
    pub precision: f64,
    pub threshold: f64,
}

#[derive(Serialize)]
pub struct Row {
    pub name: &'static str,
    pub param: Option<f32>,
    pub passive: EditFigures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<EditFigures>,
}

#[derive(Serialize)]
pub struct EditFigures {
    pub micro_ap: f64,
    pub interval: [f64; 2],
    /// Share of the matches above the threshold that gives all queries precision 0.9.
    pub recall_at_threshold: Option<f64>,
}

impl Measured {
    fn new(curve: &Curve, matches_of: &[usize], bootstrap: &Bootstrap) -> Result<Self> {
        let at = curve.at_precision(PRECISION);
        let point =
            |Point { recall, precision, threshold }: Point| CurvePoint { recall, precision, threshold };
        let interval = curve.interval(matches_of, bootstrap)?;
        Ok(Self {
            micro_ap: curve.average_precision(Ties::WrongFirst),
            interval: [interval.low, interval.high],
            recall_at_p90: at.map(|point| point.recall),
            threshold_at_p90: at.map(|point| point.threshold),
            curve: curve.outline(STEPS).into_iter().map(point).collect(),
        })
    }

    fn cells(&self, name: &str) -> Vec<String> {
        let [low, high] = self.interval;
        let average = format!("{:.3} [{low:.2}, {high:.2}]", self.micro_ap);
        vec![name.to_owned(), average, decimal(self.recall_at_p90, 3), decimal(self.threshold_at_p90, 4)]
    }
}

impl Row {
    pub fn label(&self) -> String {
        self.param.map_or(self.name.to_owned(), |param| format!("{} {param}", self.name))
    }
}

/// Measures rows.
struct Meter<'a> {
    queries: &'a Queries,
    matches_of: Vec<usize>,
    bootstrap: Bootstrap,
    normalises: bool,
}

impl Meter<'_> {
    fn figures(&self, rows: &[Named]) -> Result<Figures> {
        let measured = |normalised: bool| {
            Measured::new(&curve(rows, self.queries, None, normalised)?, &self.matches_of, &self.bootstrap)
        };
        let normalised = self.normalises.then(|| measured(true)).transpose()?;
        Ok(Figures { plain: measured(false)?, normalised })
    }

    fn edit(&self, rows: &[Named], edit: usize, threshold: Option<f64>) -> Result<EditFigures> {
        let curve = curve(rows, self.queries, Some(edit), false)?;
        let edits = self.queries.all.len() / self.queries.photographs.len();
        let matches_of: Vec<usize> = self.matches_of.iter().map(|matches| matches / edits).collect();
        let interval = curve.interval(&matches_of, &self.bootstrap)?;
        Ok(EditFigures {
            micro_ap: curve.average_precision(Ties::WrongFirst),
            interval: [interval.low, interval.high],
            recall_at_threshold: threshold.map(|threshold| curve.recall_at(threshold)),
        })
    }
}

impl Document {
    pub fn new(
        arguments: &EvalCopyDetection,
        edits: &[Edit],
        queries: &Queries,
        sides: &Sides,
        scope: Scope,
    ) -> Result<Self> {
        let editing = &arguments.editing;
        let bootstrap = Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed };
        let matches_of = queries.matches_of_photographs();
        let distractors = matches_of.iter().filter(|matches| **matches == 0).count();
        let meter = Meter { queries, matches_of, bootstrap, normalises: scope.background.is_some() };
        let passive = meter.figures(&sides.passive)?;
        let released = sides.released().map(|rows| meter.figures(rows)).transpose()?;
        let thresholds =
            (passive.plain.threshold_at_p90, released.as_ref().and_then(|side| side.plain.threshold_at_p90));
        let row = |(i, edit): (usize, &Edit)| -> Result<Row> {
            let released = sides.released().map(|rows| meter.edit(rows, i, thresholds.1)).transpose()?;
            let passive = meter.edit(&sides.passive, i, thresholds.0)?;
            Ok(Row { name: edit.name(), param: edit.param(), passive, released })
        };
        let transforms = if edits.len() > 1 {
            edits.iter().enumerate().map(row).collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        let (nprobe, k) = (arguments.nprobe.get(), arguments.k.get());
        Ok(Self {
            schema: SCHEMA,
            photographs: queries.photographs.len(),
            distractors,
            queries: queries.all.len(),
            matches: queries.matches(None),
            passive,
            released,
            transforms,
            resamples: editing.resamples,
            search: Some(SearchSettings { nprobe, k, scope }),
        })
    }

    /// Of predictions that somebody else made. Each query is a photograph.
    pub fn of_predictions(
        truth: &GroundTruth,
        predictions: &[Prediction],
        arguments: &EvalCopyDetection,
    ) -> Result<Self> {
        let editing = &arguments.editing;
        let bootstrap = Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed };
        let judged = truth.judge(predictions)?;
        let plain = Measured::new(&judged.curve, &judged.matches_of, &bootstrap)?;
        Ok(Self {
            schema: SCHEMA,
            photographs: judged.matches_of.len(),
            distractors: judged.matches_of.iter().filter(|matches| **matches == 0).count(),
            queries: judged.matches_of.len(),
            matches: truth.count(),
            passive: Figures { plain, normalised: None },
            released: None,
            transforms: Vec::new(),
            resamples: editing.resamples,
            search: None,
        })
    }

    /// Images that were to be queries.
    pub fn planned(&self) -> usize {
        self.search.as_ref().map_or(self.photographs, |search| search.scope.planned)
    }

    /// With what it was made, as pairs of a name and a value.
    pub fn settings_rows(&self) -> Vec<(&'static str, String)> {
        let Some(SearchSettings { nprobe, k, scope }) = &self.search else { return Vec::new() };
        let mut rows = scope.settings.rows();
        let share = 100.0 * scope.network_seconds / scope.seconds;
        rows.extend([
            ("rows a query", format!("{k} nearest of nprobe {nprobe}")),
            ("ties", "wrong rows first, as in ISC2021".to_owned()),
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

    pub fn is_partial(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.scope.partial)
    }

    /// Names and figures of all curves.
    pub fn curves(&self) -> Vec<(&'static str, &Measured)> {
        let mut all = vec![("originals", &self.passive.plain)];
        all.extend(self.passive.normalised.iter().map(|figures| ("originals, normalised", figures)));
        all.extend(self.released.iter().map(|side| ("released", &side.plain)));
        let normalised = self.released.iter().flat_map(|side| &side.normalised);
        all.extend(normalised.map(|figures| ("released, normalised", figures)));
        all
    }

    /// What was searched, in one sentence.
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

    pub fn text(&self) -> String {
        let headings = ["queries", "micro-AP [95 %]", "recall at precision 0.9", "threshold"];
        let rows = self.curves().into_iter().map(|(name, figures)| figures.cells(name));
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
        let cells = |row: &Row| {
            let sides = std::iter::once(&row.passive).chain(&row.released).flat_map(side);
            std::iter::once(row.label()).chain(sides).collect()
        };
        table(&headings, 1, self.transforms.iter().map(cells))
    }
}
