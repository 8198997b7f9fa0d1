//! CSV files of `eval retrieval`: one row per query, and the summary.

use anyhow::Result;
use csv::{Terminator, Writer, WriterBuilder};
use evaluation::retrieval::{Answer, Answers, Hit, Variant};

use super::{
    request::Evaluated,
    retrieval_report::{Rates, RetrievalReport, Sides},
};

const QUERIES: [&str; 12] = [
    "image",
    "edit",
    "param",
    "side",
    "nprobe",
    "rank",
    "found",
    "distance",
    "cell",
    "same_cell",
    "looks",
    "cells",
];
const SIDES: [&str; 3] = ["passive", "released", "gain"];
const RATES: [&str; 9] =
    ["r1", "r1_low", "r1_high", "r10", "r100", "map", "map_low", "map_high", "same_cell"];
const SCOPE: [&str; 7] =
    ["looks", "cells", "bytes_per_image", "images", "distractors", "synthetic", "partial"];

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new())
}

/// Writes one row for each query and variant; absent values are empty.
pub fn queries(evaluated: &Evaluated<'_>) -> Result<Vec<u8>> {
    let mut writer = writer();
    writer.write_record(QUERIES)?;
    let findings = &evaluated.findings;
    for answers in &findings.answers {
        let name = &evaluated.subjects[answers.number].name;
        for (i, edit) in evaluated.request.config.edits.iter().enumerate() {
            for (side, answer) in sides(answers, i) {
                for (variant, hit) in findings.variants.iter().zip(&answer.hits) {
                    let (edit, param) = (edit.name().to_owned(), optional(edit.param()));
                    let query = [name.clone(), edit, param, side.to_owned(), variant.nprobe.to_string()];
                    let cells = [variant.looks, variant.cells].map(|number| number.to_string());
                    writer.write_record(query.into_iter().chain(found(answer, hit)).chain(cells))?;
                }
            }
        }
    }
    Ok(writer.into_inner()?)
}

fn sides(answers: &Answers, edit: usize) -> impl Iterator<Item = (&'static str, &Answer)> {
    let released = answers.released.as_ref().map(|side| (SIDES[1], &side[edit]));
    [(SIDES[0], &answers.passive[edit])].into_iter().chain(released)
}

fn found(answer: &Answer, hit: &Hit) -> [String; 5] {
    let is_first = u8::from(hit.rank == Some(1)).to_string();
    let is_same = optional(hit.same_cell.map(u8::from));
    [optional(hit.rank), is_first, optional(answer.distance), optional(answer.cell), is_same]
}

/// Writes one row for each variant and edit, and one for their mean; without released images their columns are empty.
pub fn summary(report: &RetrievalReport) -> Result<Vec<u8>> {
    let mut writer = writer();
    let columns = SIDES.iter().flat_map(|side| RATES.map(|rate| format!("{side}_{rate}")));
    let heading = ["nprobe", "name", "param", "averaged"].map(str::to_owned).into_iter();
    writer.write_record(heading.chain(columns).chain(SCOPE.map(str::to_owned)))?;
    let scope = [report.images, report.distractors, report.synthetic, report.partial.into()]
        .map(|number| number.to_string());
    for table in report.tables() {
        let Variant { cells, nprobe, looks, bytes_per_image } = table.variant;
        let stored = [looks, cells, bytes_per_image].map(|number| number.to_string());
        let mut row = |name: &str, param: Option<f32>, averaged: bool, sides: &Sides| {
            let what = [nprobe.to_string(), name.to_owned(), optional(param), u8::from(averaged).to_string()];
            writer
                .write_record(what.into_iter().chain(rates(sides)).chain(stored.clone()).chain(scope.clone()))
        };
        table
            .transforms
            .iter()
            .try_for_each(|edit| row(edit.name, edit.param, edit.averaged, &edit.sides))?;
        row("mean", None, false, &table.mean)?;
    }
    Ok(writer.into_inner()?)
}

fn rates(sides: &Sides) -> impl Iterator<Item = String> {
    let Sides { passive, released, gain } = *sides;
    let cells = |rates: Rates| {
        let ([r1_low, r1_high], [map_low, map_high]) = (rates.interval.r1, rates.interval.map);
        let numbers = [rates.r1, r1_low, r1_high, rates.r10, rates.r100, rates.map, map_low, map_high];
        let numbers = numbers.into_iter().map(Some).chain([rates.same_cell]);
        numbers.map(optional).collect::<Vec<_>>()
    };
    let empty = || vec![String::new(); RATES.len()];
    [Some(passive), released, gain].into_iter().flat_map(move |rates| rates.map_or_else(empty, cells))
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
