//! Report of `eval find`.

use std::fmt::Write;

use evaluation::{
    Edit,
    find::{Basis, Cost, EditFigures, Figures, FoundEntry, Kept, Lookup, RecallAtRate, Share},
};
use find::Settings;
use serde::Serialize;

use super::{super::settings::Settings as ProgramSettings, Evaluated};
use crate::report::table::{decimal, table};

/// E-values of the table of promises.
const SHOWN: [f64; 3] = [0.01, 0.1, 1.0];
/// Largest number of false matches that are listed in the terminal.
const LISTED: usize = 20;

/// Figures of lookups.
#[derive(Serialize)]
pub struct LookupReport {
    #[serde(flatten)]
    pub scope: Scope,
    pub bounds: BoundsReport,
    #[serde(flatten)]
    pub figures: Figures,
    /// Figures of each edit.
    pub transforms: Vec<LookupRow>,
    /// Wrong entries whose verdict is `match`.
    pub false_match_list: Vec<FalseMatch>,
    pub settings: ProgramSettings,
}

/// Scope of the evaluation.
#[derive(Serialize)]
pub struct Scope {
    pub collection: String,
    /// Number of live entries.
    pub entries: u64,
    /// Number of images whose edits were looked up, related and unrelated.
    pub images: usize,
    pub planned: usize,
    pub partial: bool,
    /// Folder of the released images, if their edits were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// Calibration of the collection's E-values.
    pub calibration: serde_json::Value,
    pub resamples: usize,
}

/// Bounds of the cascade.
#[derive(Serialize)]
pub struct BoundsReport {
    pub looks: usize,
    pub nprobe: usize,
    pub candidates: usize,
    pub comparisons: usize,
    pub max_e: f64,
}

/// Figures of one edit.
#[derive(Serialize)]
pub struct LookupRow {
    pub name: &'static str,
    pub param: Option<f32>,
    #[serde(flatten)]
    pub figures: EditFigures,
}

/// A wrong entry whose verdict is `match`.
#[derive(Serialize)]
pub struct FalseMatch {
    pub image: String,
    pub edit: String,
    /// True if the image is a copy of another entry, false if it is unrelated to the collection.
    pub of_copy: bool,
    pub id: i64,
    pub e_value: f64,
    pub cosine: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inliers: Option<usize>,
}

impl From<&Settings> for BoundsReport {
    fn from(settings: &Settings) -> Self {
        let Settings { looks, nprobe, candidates, comparisons, max_e, .. } = *settings;
        Self { looks, nprobe, candidates, comparisons, max_e }
    }
}

impl LookupRow {
    fn new((edit, figures): (&Edit, EditFigures)) -> Self {
        Self { name: edit.name(), param: edit.param(), figures }
    }

    /// Returns the edit with its parameter.
    pub fn label(&self) -> String {
        self.param.map_or(self.name.to_owned(), |param| format!("{} {param}", self.name))
    }
}

impl LookupReport {
    pub fn new(evaluated: &Evaluated, mut figures: Figures, scope: Scope) -> Self {
        let config = &evaluated.config;
        let edits = std::mem::take(&mut figures.edits);
        Self {
            scope,
            bounds: (&config.settings).into(),
            figures,
            transforms: config.edits.iter().zip(edits).map(LookupRow::new).collect(),
            false_match_list: false_matches(evaluated),
            settings: evaluated.program.clone(),
        }
    }

    /// Formats the report.
    pub fn text(&self) -> String {
        let figures = &self.figures;
        let mut text = format!("{}\n{}\n\n", self.edits(), self.sentence());
        let _ = writeln!(text, "{}", self.ranking());
        let _ = writeln!(text, "{}", recalls(figures));
        let _ = writeln!(text, "{}\n", self.errors());
        if figures.unrelated > 0 {
            let _ = writeln!(text, "{}\n", promises(figures));
        }
        let _ = write!(text, "{}", costs(figures));
        text
    }

    /// Describes the lookups in one sentence.
    pub fn sentence(&self) -> String {
        let Scope { collection, entries, images, planned, partial, released, .. } = &self.scope;
        let Figures { copies, unrelated, .. } = &self.figures;
        let BoundsReport { looks, nprobe, max_e, .. } = self.bounds;
        let mut text = String::new();
        if *partial {
            let _ = write!(text, "PARTIAL, interrupted after {images} of {planned} images: ");
        }
        let source = released.as_deref().map_or_else(String::new, |folder| format!(" released in {folder}"));
        let _ = write!(
            text,
            "{copies} copies of images{source} and {unrelated} unrelated lookups among {entries} entries of {collection}; at most \
             {looks} looks and nprobe {nprobe}, matches up to E = {max_e}"
        );
        text
    }

    fn edits(&self) -> String {
        let headings =
            ["edit", "verified [95 %]", "first [95 %]", "E <= 1e-6", "wrong", "looks", "cells", "ms"];
        let figures = &self.figures;
        let row = |row: &LookupRow| {
            let EditFigures { verified, first, recall_at_millionth, wrong, cost } = &row.figures;
            let numbers = [format!("{recall_at_millionth:.3}"), wrong.to_string()];
            let cost = [Some(cost.looks), Some(cost.cells), cost.milliseconds].map(|mean| decimal(mean, 1));
            [row.label(), share(verified), share(first)].into_iter().chain(numbers).chain(cost).collect()
        };
        let all = vec![
            "all".to_owned(),
            share(&figures.verified),
            share(&figures.first),
            figures.recall_at_e.last().map_or_else(String::new, |at| format!("{:.3}", at.recall)),
            figures.wrong_matches.count.to_string(),
        ];
        table(&headings, 1, self.transforms.iter().map(row).chain([all]))
    }

    fn ranking(&self) -> String {
        let ranking = &self.figures.ranking;
        let [low, high] = ranking.interval;
        let threshold = ranking.threshold_at_p90.map(|score| 10_f64.powf(-score));
        format!(
            "micro-AP {:.3} [{low:.2}, {high:.2}], recall at precision 0.9 {} (E <= {})",
            ranking.micro_ap,
            decimal(ranking.recall_at_p90, 3),
            threshold.map_or_else(|| "-".to_owned(), |e_value| format!("{e_value:.1e}")),
        )
    }

    /// Describes false matches, and lists the first of them.
    fn errors(&self) -> String {
        let Figures { false_matches, wrong_matches, related_matches, .. } = &self.figures;
        let [low, high] = false_matches.interval;
        let mut text = format!(
            "false matches: {} of {} unrelated lookups [{}, {}], and wrong entries of {} of {} copies",
            false_matches.count,
            false_matches.lookups,
            small(low),
            small(high),
            wrong_matches.count,
            wrong_matches.lookups
        );
        if *related_matches > 0 {
            let _ = write!(text, "; {related_matches} lookups have a match that shows a relative");
        }
        for FalseMatch { image, edit, id, e_value, cosine, inliers, .. } in
            self.false_match_list.iter().take(LISTED)
        {
            let inliers = inliers.map_or_else(String::new, |inliers| format!(", {inliers} inliers"));
            let _ = write!(
                text,
                "\n  {image}, {edit}: entry {id}, E = {e_value:.1e}, cosine {cosine:.3}{inliers}"
            );
        }
        if let Some(more @ 1..) = self.false_match_list.len().checked_sub(LISTED) {
            let _ = write!(text, "\n  and {more} more");
        }
        text
    }
}

/// Formats a share that may be very small.
fn small(share: f64) -> String {
    if share == 0.0 || share >= 0.01 { format!("{share:.3}") } else { format!("{share:.1e}") }
}

/// Returns a share with its interval.
fn share(Share { share, interval: [low, high] }: &Share) -> String {
    format!("{share:.3} [{low:.2}, {high:.2}]")
}

fn recalls(figures: &Figures) -> String {
    let at_e = figures.recall_at_e.iter().map(|at| format!("{:.3} at E <= {:e}", at.recall, at.e_value));
    let at_rate = figures.recall_at_rate.iter().map(at_rate);
    format!("recall {}", at_e.chain(at_rate).collect::<Vec<_>>().join(", "))
}

/// Describes the recall at a rate of false matches.
pub fn at_rate(RecallAtRate { rate, e_value, recall, basis }: &RecallAtRate) -> String {
    let basis = match basis {
        Basis::Seen => "as seen",
        Basis::Extrapolated => "extrapolated from the tail seen",
        Basis::Promised => "as E-values promise",
    };
    format!(
        "{recall:.3} at one false match in {:.0} unrelated lookups (E <= {e_value:.1e}, {basis})",
        1.0 / rate
    )
}

fn promises(figures: &Figures) -> String {
    let shown = figures.promises.iter().filter(|kept| SHOWN.contains(&kept.e_value));
    let within = |[low, high]: [f64; 2]| format!("[{low:.4}, {high:.4}]");
    let row = |kept: &Kept| {
        let shares = [kept.promised, kept.seen].map(|share| format!("{share:.4}"));
        let intervals = [within(kept.interval), within(kept.interval_of_photographs)];
        let verdict = if kept.is_within() { "yes" } else { "no" };
        [format!("{}", kept.e_value)]
            .into_iter()
            .chain(shares)
            .chain(intervals)
            .chain([verdict.to_owned()])
            .collect()
    };
    let headings = ["E", "promised", "seen", "95 %", "95 % over images", "within"];
    format!("unrelated lookups with a result up to E:\n{}", table(&headings, 0, shown.map(row)))
}

fn costs(figures: &Figures) -> String {
    let Figures { cost_verified, cost_missed, cost_unrelated, .. } = figures;
    let row = |(name, cost): (&str, &Option<Cost>)| {
        let Cost { lookups, looks, cells, comparisons, milliseconds } = (*cost)?;
        let means = [Some(looks), Some(cells), Some(comparisons), milliseconds].map(|mean| decimal(mean, 1));
        Some([name.to_owned(), lookups.to_string()].into_iter().chain(means).collect())
    };
    let named = [("verified", cost_verified), ("missed", cost_missed), ("unrelated", cost_unrelated)];
    let headings = ["lookups", "number", "looks", "cells", "compared", "ms"];
    table(&headings, 1, named.into_iter().filter_map(row))
}

fn false_matches(evaluated: &Evaluated) -> Vec<FalseMatch> {
    let Evaluated { config, photographs, findings, .. } = evaluated;
    let of = |lookup: &Lookup| {
        let photograph = &photographs.all[findings.photographs[lookup.photograph]];
        let (image, edit) = (photograph.name.clone(), config.edits[lookup.edit].to_string());
        let wrong = lookup.wrong().filter(|found| found.is_match);
        let entry = |FoundEntry { id, e_value, cosine, inliers, .. }: &FoundEntry| FalseMatch {
            image: image.clone(),
            edit: edit.clone(),
            of_copy: lookup.is_copy(),
            id: *id,
            e_value: *e_value,
            cosine: *cosine,
            inliers: *inliers,
        };
        wrong.map(entry).collect::<Vec<_>>()
    };
    findings.lookups.iter().flat_map(of).collect()
}
