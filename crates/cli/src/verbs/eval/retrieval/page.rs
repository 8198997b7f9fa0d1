//! HTML page of `eval retrieval --report`.

use std::path::Path;

use anyhow::Result;
use evaluation::retrieval::{Answer, Answers, Findings, Stored, Variant};
use image_file::path_text;
use maud::{Markup, html};

use super::{
    super::gallery::{Exhibit, gallery},
    request::{Evaluated, Synthetic},
    retrieval_report::{Rates, RetrievalReport, RetrievalRow, RetrievalTable, Sides},
};
use crate::report::page::{
    self,
    plots::{self, AFTER, Axis, BEFORE, Bars, Rate, Series},
};

/// Range of the plot: unrelated unit vectors have squared distance 2.
const DISTANCES: [f64; 2] = [0.0, 2.0];

/// Writes the page.
///
/// # Errors
/// If an image cannot be read, or the file cannot be written.
pub fn write(path: &Path, evaluated: &Evaluated<'_>, report: &RetrievalReport) -> Result<()> {
    let tables = report.tables();
    let body = html! {
        @if report.partial { p class="partial" { "Partial: interrupted after " (report.images) " of "
            (report.planned) " images. The figures are of these alone." } }
        p { (report.scope(&report.first.variant)) "." }
        (headlines(report))
        (page::figure("Edited copies found first", &bars(&tables[0])?,
            "R@1: share of the queries whose right image comes first. Grey: edited originals; green: edited released images. \
             Whiskers: 95 % of the bootstrap resamples of photographs."))
        (plots(&evaluated.findings)?)
        @if tables.len() > 1 { (variants(tables)) }
        @for table in tables { (figures(table, report)) }
        (gallery(exhibits(evaluated), &evaluated.request.selection.reader())?)
        (page::settings(&settings(evaluated, report)))
    };
    page::write(path, "Edited copies found in an index", body)
}

fn percent(rate: f64) -> String {
    format!("{:.1} %", 100.0 * rate)
}

fn within(interval: [f64; 2]) -> String {
    format!("95 %: {:.1} to {:.1}", 100.0 * interval[0], 100.0 * interval[1])
}

fn headlines(report: &RetrievalReport) -> Markup {
    let Sides { passive, released, gain } = &report.first.mean;
    let mut numbers = vec![("originals found first", percent(passive.r1), within(passive.interval.r1))];
    numbers.extend(released.map(|r| ("released found first", percent(r.r1), within(r.interval.r1))));
    numbers.extend(gain.map(|g| ("gain in points", format!("{:+.1}", 100.0 * g.r1), within(g.interval.r1))));
    if let Some(quality) = &report.quality {
        let psnr = &quality.psnr;
        let detail = format!("least {:.1} dB, SSIM {:.3}", psnr.min, quality.ssim.mean);
        numbers.push(("PSNR of released images", format!("{:.1} dB", psnr.mean), detail));
    }
    page::headlines(&numbers)
}

fn bars(table: &RetrievalTable) -> Result<String> {
    let rate = |rates: &Rates| Rate { value: rates.r1, interval: rates.interval.r1 };
    let of = |label: String, sides: &Sides| Bars {
        label,
        passive: rate(&sides.passive),
        released: sides.released.as_ref().map(rate),
    };
    let mut rows: Vec<Bars> = table.transforms.iter().map(|row| of(label(row), &row.sides)).collect();
    rows.push(of("mean".to_owned(), &table.mean));
    plots::bars(&rows, "R@1")
}

fn label(row: &RetrievalRow) -> String {
    if row.averaged { row.label() } else { format!("{} *", row.label()) }
}

/// Plots R@1 over PSNR, and distances before and after.
fn plots(findings: &Findings) -> Result<Markup> {
    let psnr = scatter(findings)?;
    let distances = histogram(findings)?;
    Ok(html! {
        @if let Some(plot) = psnr {
            (page::figure("Copies found against image quality", &plot,
                "One point per image: the share of its edits that are found first, against the PSNR of its released version."))
        }
        @if let Some(plot) = distances {
            (page::figure("Distances to the stored code", &plot,
                "Squared L2 distance from each edited image's descriptor to the stored code of its original."))
        }
    })
}

/// Returns the share of the edits of an image that are found first, for the first variant.
fn found(answers: &[Answer]) -> f64 {
    answers.iter().filter(|answer| answer.is_first()).count() as f64 / answers.len() as f64
}

fn scatter(findings: &Findings) -> Result<Option<String>> {
    let finite = |answers: &&Answers| answers.quality.is_some_and(|quality| quality.psnr.is_finite());
    let shown: Vec<&Answers> = findings.answers.iter().filter(finite).collect();
    let psnrs: Vec<f64> = shown.iter().filter_map(|answers| Some(answers.quality?.psnr)).collect();
    if psnrs.is_empty() {
        return Ok(None);
    }
    let points = |of: fn(&Answers) -> Option<f64>| {
        psnrs.iter().zip(&shown).filter_map(|(psnr, answers)| Some((*psnr, of(answers)?))).collect()
    };
    let series = vec![
        Series {
            name: "originals",
            colour: BEFORE,
            is_minor: true,
            points: points(|a| Some(found(&a.passive))),
        },
        Series {
            name: "released",
            colour: AFTER,
            is_minor: false,
            points: points(|a| a.released.as_deref().map(found)),
        },
    ];
    let (low, high) = psnrs.iter().fold((f64::MAX, f64::MIN), |(low, high), p| (low.min(*p), high.max(*p)));
    let x = Axis { name: "PSNR of the released image in dB", range: [low - 0.5, high + 0.5] };
    let y = Axis { name: "edits found first", range: [-0.03, 1.03] };
    plots::scatter(series, &x, &y).map(Some)
}

fn histogram(findings: &Findings) -> Result<Option<String>> {
    let distances =
        |side: &[Answer]| side.iter().filter_map(|a| a.distance.map(f64::from)).collect::<Vec<_>>();
    let passive: Vec<f64> = findings.answers.iter().flat_map(|answers| distances(&answers.passive)).collect();
    let released: Vec<f64> = findings
        .answers
        .iter()
        .filter_map(|answers| answers.released.as_deref())
        .flat_map(distances)
        .collect();
    if passive.is_empty() {
        return Ok(None);
    }
    let mut series = vec![("originals", BEFORE, passive)];
    if !released.is_empty() {
        series.push(("released", AFTER, released));
    }
    plots::histogram(series, &Axis { name: "squared L2 distance", range: DISTANCES }).map(Some)
}

fn figures(table: &RetrievalTable, report: &RetrievalReport) -> Markup {
    let compares = table.mean.released.is_some();
    html! {
        section {
            h2 { "Figures at " (table.variant) }
            div class="scroll" {
                table {
                    (headings(compares, table.mean.passive.same_cell.is_some()))
                    @for row in &table.transforms { tr { td { (label(row)) } (cells(&row.sides)) } }
                    tr class="mean" { td { "mean" } (cells(&table.mean)) }
                }
            }
            p class="note" {
                "In percent; R@1 with 95 % intervals. "
                @if table.transforms.iter().any(|row| !row.averaged) { "* is not in the mean, as in the paper. " }
                (report.scope(&table.variant)) "."
            }
        }
    }
}

/// Shows the means of all tables, with the cost of each variant.
fn variants(tables: &[RetrievalTable]) -> Markup {
    let cells = |table: &RetrievalTable| {
        let Variant { cells, nprobe, looks, bytes_per_image } = table.variant;
        let Sides { passive, released, gain } = &table.mean;
        html! {
            td { (cells) } td { (nprobe) } td { (looks) } td { (bytes_per_image) } (first(passive))
            @if let Some(released) = released { (first(released)) }
            @if let Some(gain) = gain { (difference(gain)) }
        }
    };
    html! {
        section {
            h2 { "Means of R@1" }
            div class="scroll" {
                table {
                    tr {
                        th { "cells per image" } th { "nprobe" } th { "looks" } th { "bytes per image" } th { "originals" }
                        @if tables[0].mean.released.is_some() { th { "released" } th { "gain" } }
                    }
                    @for table in tables { tr { (cells(table)) } }
                }
            }
        }
    }
}

fn headings(compares: bool, has_cells: bool) -> Markup {
    let side = || html! { th { "R@1" } th { "R@10" } th { "R@100" } th { "mAP" } @if has_cells { th { "same cell" } } };
    let columns = if has_cells { "5" } else { "4" };
    html! {
        @if compares { tr { th {} th colspan=(columns) { "originals" } th colspan=(columns) { "released" } th {} } }
        tr { th { "edit" } (side()) @if compares { (side()) th { "gain of R@1" } } }
    }
}

fn number(rate: f64) -> String {
    format!("{:.1}", 100.0 * rate)
}

/// Shows R@1 with its interval.
fn first(rates: &Rates) -> Markup {
    let [low, high] = rates.interval.r1;
    html! { td { (number(rates.r1)) " " span class="note" { (number(low)) "–" (number(high)) } } }
}

/// Shows a gain with its interval, signed.
fn difference(gain: &Rates) -> Markup {
    let [value, low, high] =
        [gain.r1, gain.interval.r1[0], gain.interval.r1[1]].map(|rate| format!("{:+.1}", 100.0 * rate));
    html! { td { (value) " " span class="note" { (low) " to " (high) } } }
}

fn cells(sides: &Sides) -> Markup {
    let side = |r: &Rates| {
        html! {
            (first(r)) td { (number(r.r10)) } td { (number(r.r100)) } td { (number(r.map)) }
            @if let Some(share) = r.same_cell { td { (number(share)) } }
        }
    };
    html! {
        (side(&sides.passive))
        @if let Some(released) = &sides.released { (side(released)) }
        @if let Some(gain) = &sides.gain { (difference(gain)) }
    }
}

fn exhibits<'a>(evaluated: &'a Evaluated<'_>) -> Vec<Exhibit<'a>> {
    let exhibit = |answers: &'a Answers| {
        let side = answers.released.as_deref().unwrap_or(&answers.passive);
        let psnr = answers.quality.map_or(0.0, |quality| quality.psnr);
        Exhibit {
            subject: &evaluated.subjects[answers.number],
            badness: (found(side), psnr),
            text: remarks(evaluated, answers, side),
        }
    };
    evaluated.findings.answers.iter().map(exhibit).collect()
}

/// Returns the caption of an image: its quality, the number of edits found first, and the others.
fn remarks(evaluated: &Evaluated<'_>, answers: &Answers, side: &[Answer]) -> String {
    let count = |side: &[Answer]| side.iter().filter(|answer| answer.is_first()).count();
    let edits = side.len();
    let mut parts = Vec::new();
    if let Some(quality) = &answers.quality {
        parts.push(format!("PSNR {:.1} dB, SSIM {:.4}, L-inf {}", quality.psnr, quality.ssim, quality.linf));
    }
    parts.push(match &answers.released {
        Some(released) => {
            format!(
                "found first: {} of {edits} edits of the original, {} of the released image",
                count(&answers.passive),
                count(released)
            )
        }
        None => format!("found first: {} of {edits} edits", count(side)),
    });
    let missed = evaluated.request.config.edits.iter().zip(side).filter(|(_, answer)| !answer.is_first());
    let missed: Vec<String> = missed.map(|(edit, _)| edit.to_string()).collect();
    if !missed.is_empty() {
        parts.push(format!("not first: {}", missed.join(", ")));
    }
    parts.join("; ")
}

fn settings(evaluated: &Evaluated<'_>, report: &RetrievalReport) -> Vec<(&'static str, String)> {
    let request = evaluated.request;
    let mut rows = evaluated.settings.rows();
    let edits: Vec<String> = request.config.edits.iter().map(ToString::to_string).collect();
    let synthetic = match &request.synthetic {
        Some(Synthetic { n, fit }) => format!("{n}, from a Gaussian fitted to {}", path_text(fit)),
        None => "none".to_owned(),
    };
    let stored = match request.config.stored {
        Stored::Originals => "copies are searched against the codes of the originals",
        Stored::Released => "copies are searched against the codes of the released images",
    };
    rows.extend([
        ("images", format!("{} of {}", report.images, report.planned)),
        ("other entries", report.distractors.to_string()),
        ("synthetic entries", synthetic),
        ("edits", edits.join(", ")),
        ("released images", stored.to_owned()),
        ("seed", request.bootstrap.seed.to_string()),
        (
            "intervals",
            format!(
                "95 %, paired percentile bootstrap over photographs, {} resamples",
                request.bootstrap.resamples
            ),
        ),
        (
            "time",
            format!(
                "{:.1} s, {:.0} % of it in the network for {} descriptors",
                report.seconds,
                100.0 * report.network_share,
                report.described
            ),
        ),
    ]);
    rows
}
