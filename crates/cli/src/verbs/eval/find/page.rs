//! HTML page of `eval find --report`.

use std::path::Path;

use anyhow::Result;
use evaluation::{
    find::{EditFigures, Figures, Kept, Lookup, Share},
    pipeline::Subject,
};
use image_file::Reader;
use maud::{Markup, html};

use super::{
    super::gallery::{Exhibit, gallery},
    Evaluated,
    lookup_report::{LookupReport, LookupRow, at_rate},
};
use crate::report::{
    page::{
        self,
        plots::{self, AFTER, Axis, BEFORE, Bars, Rate, Series},
    },
    table::decimal,
};

/// Decades of the calibration plot: shares and E-values from 10^-5 to 1.
const DECADES: [f64; 2] = [-5.0, 0.0];

/// Writes the page.
///
/// # Errors
/// If an image cannot be read, or the file cannot be written.
pub fn write(path: &Path, report: &LookupReport, evaluated: &Evaluated, reader: &Reader) -> Result<()> {
    let figures = &report.figures;
    let subjects = subjects(evaluated);
    let body = html! {
        @if report.scope.partial { p class="partial" { "Partial: interrupted after " (report.scope.images) " of "
            (report.scope.planned) " images. The figures are of these alone." } }
        p { (report.sentence()) "." }
        (headlines(figures))
        (page::figure("Copies found, by edit", &bars(report)?,
            "Grey: the right entry comes first; green: it comes with the verdict match. Whiskers: 95 % of the bootstrap resamples of \
             photographs."))
        @if figures.unrelated > 0 {
            (page::figure("Promises of E-values", &calibration(figures)?,
                "Share of the unrelated lookups that have a result up to an E-value. Grey: promised; green: seen, with its 95 % \
                 interval (Clopper-Pearson) as thin lines. Shares below one in 100,000 are drawn at the lower edge."))
        }
        (page::figure("Precision and recall", &curve(figures)?,
            "Results of all lookups, ranked by their E-values."))
        (table(report))
        (gallery(exhibits(evaluated, &subjects), reader)?)
        (page::settings(&settings(report)))
    };
    page::write(path, "Edited copies looked up in a collection", body)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn within(Share { interval: [low, high], .. }: &Share) -> String {
    format!("95 %: {:.1} to {:.1}", 100.0 * low, 100.0 * high)
}

fn headlines(figures: &Figures) -> Markup {
    let Figures { verified, first, false_matches, ranking, .. } = figures;
    let [_, high] = false_matches.interval;
    let mut numbers = vec![
        ("verified copies", percent(verified.share), within(verified)),
        ("right entry first", percent(first.share), within(first)),
        (
            "micro-AP",
            format!("{:.3}", ranking.micro_ap),
            format!("95 %: {:.3} to {:.3}", ranking.interval[0], ranking.interval[1]),
        ),
    ];
    if figures.unrelated > 0 {
        let detail = format!("of {} unrelated lookups; at most {high:.1e} at 95 %", false_matches.lookups);
        numbers.push(("false matches", false_matches.count.to_string(), detail));
    }
    page::headlines(&numbers)
}

fn bars(report: &LookupReport) -> Result<String> {
    let rate = |share: &Share| Rate { value: share.share, interval: share.interval };
    let row = |label: String, first: &Share, verified: &Share| Bars {
        label,
        passive: rate(first),
        released: Some(rate(verified)),
    };
    let of = |edit: &LookupRow| row(edit.label(), &edit.figures.first, &edit.figures.verified);
    let all = row("all".to_owned(), &report.figures.first, &report.figures.verified);
    plots::bars(&report.transforms.iter().map(of).chain([all]).collect::<Vec<_>>(), "share of the copies")
}

fn calibration(figures: &Figures) -> Result<String> {
    let points = |share: fn(&Kept) -> f64| {
        let point = |kept: &Kept| (kept.e_value.log10(), share(kept).log10().max(DECADES[0]));
        figures.promises.iter().map(point).collect()
    };
    let line = |name, colour, is_minor, share| Series { name, colour, is_minor, points: points(share) };
    let series = vec![
        line("promised", BEFORE, false, |kept| kept.promised),
        line("seen", AFTER, false, |kept| kept.seen),
        line("95 %, lower bound", AFTER, true, |kept| kept.interval[0]),
        line("95 %, upper bound", AFTER, true, |kept| kept.interval[1]),
    ];
    let x = Axis { name: "decimal logarithm of the E-value", range: [-4.0, 0.0] };
    plots::lines(series, &x, &Axis { name: "decimal logarithm of the share", range: DECADES })
}

fn curve(figures: &Figures) -> Result<String> {
    let points = figures.ranking.curve.iter().map(|point| (point.recall, point.precision)).collect();
    let series = vec![Series { name: "copies", colour: AFTER, is_minor: false, points }];
    let (x, y) = (Axis { name: "recall", range: [0.0, 1.0] }, Axis { name: "precision", range: [0.0, 1.02] });
    plots::lines(series, &x, &y)
}

fn table(report: &LookupReport) -> Markup {
    let share = |share: &Share| {
        html! { td { (format!("{:.3} ", share.share)) span class="note" { (format!("{:.2}–{:.2}", share.interval[0], share.interval[1])) } } }
    };
    let row = |row: &LookupRow| {
        let EditFigures { verified, first, recall_at_millionth, wrong, cost } = &row.figures;
        html! { tr {
            td { (row.label()) } (share(verified)) (share(first)) td { (format!("{recall_at_millionth:.3}")) } td { (wrong) }
            td { (format!("{:.1}", cost.looks)) } td { (format!("{:.1}", cost.cells)) } td { (decimal(cost.milliseconds, 1)) }
        } }
    };
    html! {
        section {
            h2 { "Figures" }
            div class="scroll" { table {
                tr { th { "edit" } th { "verified" } th { "first" } th { "E ≤ 1e-6" } th { "wrong" } th { "looks" } th { "cells" } th { "ms" } }
                @for edit in &report.transforms { (row(edit)) }
            } }
            @for recall in &report.figures.recall_at_rate { p class="note" { "Recall " (at_rate(recall)) "." } }
        }
    }
}

/// Returns the photographs that were looked up, as pictures of a gallery.
fn subjects(evaluated: &Evaluated) -> Vec<Subject> {
    let of = |place: &usize| {
        let photograph = &evaluated.photographs.all[*place];
        Subject { name: photograph.name.clone(), original: photograph.source.clone(), released: None }
    };
    evaluated.findings.photographs.iter().map(of).collect()
}

/// Returns the images of the collection with the share of their copies that are verified, and unrelated ones with a false match.
fn exhibits<'a>(evaluated: &Evaluated, subjects: &'a [Subject]) -> Vec<Exhibit<'a>> {
    let edits = evaluated.config.edits.len();
    let own = evaluated.findings.lookups.chunks(edits);
    own.zip(subjects).filter_map(|(lookups, subject)| exhibit(evaluated, lookups, subject)).collect()
}

fn exhibit<'a>(evaluated: &Evaluated, lookups: &[Lookup], subject: &'a Subject) -> Option<Exhibit<'a>> {
    let named = |wanted: fn(&Lookup) -> bool| {
        let edit = |lookup: &Lookup| evaluated.config.edits[lookup.edit].to_string();
        lookups.iter().filter(|lookup| wanted(lookup)).map(edit).collect::<Vec<_>>()
    };
    let wrong = named(|lookup| lookup.wrong().any(|found| found.is_match));
    let missed = named(|lookup| lookup.is_copy() && !lookup.is_verified());
    let is_copy = lookups.iter().any(Lookup::is_copy);
    if !is_copy && wrong.is_empty() {
        return None;
    }
    let mut text = vec![format!("{} edits", lookups.len())];
    text.extend((!missed.is_empty()).then(|| format!("not verified: {}", missed.join(", "))));
    text.extend((!wrong.is_empty()).then(|| format!("false matches: {}", wrong.join(", "))));
    let lost = missed.len() as f64 / lookups.len() as f64;
    Some(Exhibit { subject, badness: (-(wrong.len() as f64), -lost), text: text.join("; ") })
}

fn settings(report: &LookupReport) -> Vec<(&'static str, String)> {
    let mut rows = report.settings.rows();
    let bounds = &report.bounds;
    rows.extend([
        ("collection", report.scope.collection.clone()),
        ("entries", report.scope.entries.to_string()),
        (
            "bounds",
            format!(
                "{} looks, nprobe {}, {} candidates a search, {} comparisons, matches up to E = {}",
                bounds.looks, bounds.nprobe, bounds.candidates, bounds.comparisons, bounds.max_e
            ),
        ),
        ("calibration", report.scope.calibration.to_string()),
        (
            "intervals",
            format!("95 %, percentile bootstrap over photographs, {} resamples", report.scope.resamples),
        ),
    ]);
    rows
}
