//! The CSV files: one row a query, and the summary.

use anyhow::Result;
use csv::{Terminator, Writer, WriterBuilder};

use super::{
    Findings,
    answers::{Answer, Answers},
    document::{Document, Rates, Sides},
};

const QUERIES: [&str; 10] =
    ["image", "edit", "param", "side", "nprobe", "rank", "found", "distance", "cell", "same_cell"];
const SIDES: [&str; 3] = ["passive", "released", "gain"];
const RATES: [&str; 9] =
    ["r1", "r1_low", "r1_high", "r10", "r100", "map", "map_low", "map_high", "same_cell"];

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new())
}

/// One row for each query and nprobe; what there is not is empty.
pub fn queries(findings: &Findings) -> Result<Vec<u8>> {
    let mut writer = writer();
    writer.write_record(QUERIES)?;
    for answers in &findings.found.answers {
        let name = findings.subjects[answers.number].name();
        for (i, edit) in findings.edits.iter().enumerate() {
            for (side, answer) in sides(answers, i) {
                for (nprobe, rank) in findings.arguments.nprobe.iter().zip(&answer.ranks) {
                    let (edit, param) = (edit.name().to_owned(), optional(edit.param()));
                    let query = [name.clone(), edit, param, side.to_owned(), nprobe.to_string()];
                    writer.write_record(query.into_iter().chain(found(answer, *rank)))?;
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

fn found(answer: &Answer, rank: Option<usize>) -> [String; 5] {
    let (cell, is_same) = answer.cell.unzip();
    let is_first = u8::from(rank == Some(1)).to_string();
    [optional(rank), is_first, optional(answer.distance), optional(cell), optional(is_same.map(u8::from))]
}

/// One row for each nprobe and edit, and one for their mean; the columns of released images are empty where there are
/// none.
pub fn summary(document: &Document) -> Result<Vec<u8>> {
    let mut writer = writer();
    let columns = SIDES.iter().flat_map(|side| RATES.map(|rate| format!("{side}_{rate}")));
    let heading = ["nprobe", "name", "param", "averaged"].map(str::to_owned).into_iter();
    writer.write_record(
        heading.chain(columns).chain(["images", "distractors", "synthetic", "partial"].map(str::to_owned)),
    )?;
    let scope = [document.images, document.distractors, document.synthetic, document.partial.into()]
        .map(|number| number.to_string());
    for table in document.tables() {
        let mut row = |name: &str, param: Option<f32>, averaged: bool, sides: &Sides| {
            let what =
                [table.nprobe.to_string(), name.to_owned(), optional(param), u8::from(averaged).to_string()];
            writer.write_record(what.into_iter().chain(rates(sides)).chain(scope.clone()))
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
