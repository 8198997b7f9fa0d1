//! HTML page of `eval copy-detection --report`.

use std::path::Path;

use anyhow::Result;
use evaluation::copy_detection::{EditFigures, Findings, Measured, Ranked};
use image_file::Reader;
use maud::{Markup, html};

use super::{
    super::gallery::{Exhibit, gallery},
    copy_detection_report::{CopyDetectionReport, DetectionRow},
};
use crate::report::page::{
    self,
    plots::{self, AFTER, Axis, BEFORE, Bars, Rate, Series},
};

/// Writes the page.
///
/// # Errors
/// If an image cannot be read, or the file cannot be written.
pub fn write(path: &Path, report: &CopyDetectionReport, findings: &Findings, reader: &Reader) -> Result<()> {
    let body = html! {
        @if report.is_partial() { p class="partial" { "Partial: interrupted after " (report.photographs) " of "
            (report.planned()) " images. The figures are of these alone." } }
        p { (report.scope()) "." }
        (headlines(report))
        (page::figure("Precision and recall", &curves(report)?,
            "Candidates of all queries, ranked by the cosine of their descriptors. Thin lines: by the distance of the code, or by the \
             cosine minus the similarity to the background."))
        @if !report.transforms.is_empty() {
            (page::figure("Micro average precision of each edit", &bars(report)?,
                "Grey: edited originals; green: edited released images. Whiskers: 95 % of the bootstrap resamples."))
        }
        (page::figure("Cosines of the best candidates", &histogram(findings)?,
            "The highest cosine of each query with a match, right or wrong."))
        (figures(report))
        (gallery(exhibits(report, findings), reader)?)
        (page::settings(&report.settings_rows()))
    };
    page::write(path, "Copies detected", body)
}

fn optional(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

fn headlines(report: &CopyDetectionReport) -> Markup {
    let of = |(name, figures): &(&'static str, &Measured)| {
        let [low, high] = figures.interval;
        let recall = optional(figures.recall_at_p90, |recall| format!("{:.1} %", 100.0 * recall));
        let detail = format!("micro-AP, 95 %: {low:.3} to {high:.3}; recall at precision 0.9: {recall}");
        (*name, format!("{:.3}", figures.micro_ap), detail)
    };
    page::headlines(&report.curves().iter().map(of).collect::<Vec<_>>())
}

fn curves(report: &CopyDetectionReport) -> Result<String> {
    let series = |(name, figures): (&'static str, &Measured)| Series {
        name,
        colour: if name.starts_with("released") { AFTER } else { BEFORE },
        is_minor: name.contains(','),
        points: figures.curve.iter().map(|point| (point.recall, point.precision)).collect(),
    };
    let (x, y) = (Axis { name: "recall", range: [0.0, 1.0] }, Axis { name: "precision", range: [0.0, 1.02] });
    plots::lines(report.curves().into_iter().map(series).collect(), &x, &y)
}

fn bars(report: &CopyDetectionReport) -> Result<String> {
    let rate = |figures: &EditFigures| Rate { value: figures.micro_ap, interval: figures.interval };
    let row = |row: &DetectionRow| Bars {
        label: row.label(),
        passive: rate(&row.passive),
        released: row.released.as_ref().map(rate),
    };
    plots::bars(&report.transforms.iter().map(row).collect::<Vec<_>>(), "micro-AP")
}

/// Plots the cosine of the best candidate of each query with a match.
fn histogram(findings: &Findings) -> Result<String> {
    let best = |ranked: &Ranked| {
        let mut best = vec![f64::NEG_INFINITY; findings.queries.all.len()];
        ranked.by_descriptor.iter().for_each(|row| best[row.query] = best[row.query].max(row.score));
        let queries = findings.queries.all.iter().zip(best);
        let with_match = queries.filter(|(query, best)| !query.matches.is_empty() && best.is_finite());
        with_match.map(|(_, best)| best).collect::<Vec<_>>()
    };
    let mut series = vec![("originals", BEFORE, best(&findings.candidates.passive))];
    series.extend(findings.candidates.released().map(|ranked| ("released", AFTER, best(ranked))));
    plots::histogram(series, &Axis { name: "cosine", range: [0.0, 1.0] })
}

fn figures(report: &CopyDetectionReport) -> Markup {
    let three = |value: f64| format!("{value:.3}");
    html! {
        section {
            h2 { "Figures" }
            div class="scroll" { table {
                tr { th { "queries" } th { "micro-AP" } th { "95 %" } th { "recall at precision 0.9" } th { "threshold" } }
                @for (name, figures) in report.curves() { tr {
                    td { (name) } td { (three(figures.micro_ap)) }
                    td { (three(figures.interval[0])) "–" (three(figures.interval[1])) }
                    td { (optional(figures.recall_at_p90, three)) }
                    td { (optional(figures.threshold_at_p90, |value| format!("{value:.4}"))) }
                } }
            } }
            @if !report.transforms.is_empty() { div class="scroll" { (edits(report)) } }
        }
    }
}

fn edits(report: &CopyDetectionReport) -> Markup {
    let side = |figures: &EditFigures| {
        html! {
            td { (format!("{:.3} ", figures.micro_ap)) span class="note" { (format!("{:.2}–{:.2}", figures.interval[0], figures.interval[1])) } }
            td { (optional(figures.recall_at_threshold, |recall| format!("{recall:.3}"))) }
        }
    };
    html! {
        table {
            tr { th { "edit" } th { "micro-AP" } th { "recall at threshold" }
                @if report.released.is_some() { th { "released micro-AP" } th { "recall at threshold" } } }
            @for row in &report.transforms {
                tr { td { (row.label()) } (side(&row.passive)) @if let Some(released) = &row.released { (side(released)) } }
            }
        }
    }
}

/// Returns the photographs with a match, sorted later by the share of their queries above the threshold.
fn exhibits<'a>(report: &CopyDetectionReport, findings: &'a Findings) -> Vec<Exhibit<'a>> {
    let Findings { queries, candidates, .. } = findings;
    let (side, ranked) = match (&report.released, candidates.released()) {
        (Some(side), Some(ranked)) => (side, ranked),
        _ => (&report.passive, &candidates.passive),
    };
    let threshold = side.plain.threshold_at_p90.unwrap_or(f64::INFINITY);
    let mut detected = vec![0; queries.photographs.len()];
    for row in ranked.by_descriptor.iter().filter(|row| row.score >= threshold) {
        let query = &queries.all[row.query];
        detected[query.photograph] += usize::from(query.matches.contains(&row.id));
    }
    let matches = queries.matches_of_photographs();
    let photographs = queries.photographs.iter().zip(detected.into_iter().zip(matches));
    let with_match = photographs.filter(|(_, (_, matches))| *matches > 0);
    let exhibit = |(subject, (detected, matches)): (&usize, (usize, usize))| Exhibit {
        subject: &findings.subjects[*subject],
        badness: (detected as f64 / matches as f64, 0.0),
        text: format!("detected in {detected} of {matches} queries at precision 0.9"),
    };
    with_match.map(exhibit).collect()
}
