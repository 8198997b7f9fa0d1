//! Kinds of faiss: what the guide says of each, and the refusal of those that are not supported
//! (`golden/make_refused.py`).

use std::{collections::BTreeSet, fs};

use burn::tensor::{Device, Tensor};
use index::{Error, Factory, Index, MergedIds, Metric, Target, TrainConfig, faiss_kinds};

use crate::fixtures::{npy_at, root};

/// The page with the tables.
const PAGE: &str = "docs/guide/faiss-files.md";

/// Rows of the table below a heading of the page, cell by cell, without the two lines of its head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect(heading);
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

fn vectors(n: usize) -> Tensor<2> {
    let base = npy_at(&root().join("tests/golden/indexes/base.npy")).unwrap();
    base.tensor([base.shape[0], base.shape[1]]).slice([0..n, 0..base.shape[1]])
}

fn trained(factory: &Factory, metric: Metric) -> Option<Index> {
    let config = TrainConfig { metric, iterations: 2, ..TrainConfig::default() };
    let index = Index::train(factory, vectors(400), &config);
    assert!(metric != Metric::L2 || index.is_ok(), "{factory}: {:?}", index.err());
    index.ok()
}

fn fourcc(index: &Index) -> String {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).unwrap();
    assert_eq!(Index::from_bytes(&bytes, &Device::flex()).unwrap().factory(), index.factory());
    String::from_utf8(bytes[..4].to_vec()).unwrap()
}

fn yes(does: bool) -> String {
    if does { "yes" } else { "no" }.to_owned()
}

fn targets(index: &Index) -> String {
    let target = |kind| index.target(vectors(4), kind).ok();
    let reconstruction = target(Target::Reconstruction).map(|targets| match targets.signs {
        Some(_) => "signs",
        None => "code",
    });
    let centroid = target(Target::Centroid).map(|_| "centroid");
    reconstruction.into_iter().chain(centroid).collect::<Vec<_>>().join(", ")
}

/// The cells of a kind's row that follow from what the index does.
fn row(example: &str) -> Vec<String> {
    let factory: Factory = example.parse().unwrap_or_else(|e| panic!("{example}: {e}"));
    let filled = |metric| {
        let mut index = trained(&factory, metric)?;
        index.add(vectors(60)).unwrap_or_else(|e| panic!("{example}: {e}"));
        Some(index)
    };
    let indexes: Vec<Index> = [Metric::L2, Metric::InnerProduct].into_iter().filter_map(filled).collect();
    let fourccs: BTreeSet<String> = indexes.iter().map(fourcc).collect();
    let class =
        |fourcc: &String| faiss_kinds().iter().find(|kind| kind.fourcc == fourcc).map(|kind| kind.class);
    let classes: BTreeSet<&str> = fourccs.iter().map(|fourcc| class(fourcc).expect(fourcc)).collect();
    let index = &indexes[0];
    assert_eq!(index.search(vectors(5), 3, 4).unwrap().ids.len(), 15);
    let ids = if index.ids_are_positions() { "positions" } else { "stored" };
    vec![
        format!("`{}`", example),
        Vec::from_iter(classes).join(", "),
        Vec::from_iter(fourccs).join(", "),
        indexes.iter().map(|index| index.metric().to_string()).collect::<Vec<_>>().join(", "),
        ids.to_owned(),
        yes(index.clone().remove(&[3]).is_ok()),
        yes(index.clone().merge(index.clone(), MergedIds::Behind).is_ok()),
        yes(index.range_search(vectors(5), 1.0, 4).is_ok()),
        yes(index.search_on_device(vectors(5), 3, 4).is_ok()),
        targets(index),
    ]
}

#[test]
fn the_guide_says_what_every_kind_does() {
    let table = rows("Kinds that are read and written");
    let mut wrong = Vec::new();
    for found in &table {
        let expected = row(found[0].trim_matches('`'));
        if found[..expected.len()] != expected {
            wrong.push(format!("| {} | {} |", expected.join(" | "), found.last().unwrap()));
        }
    }
    assert!(wrong.is_empty(), "these rows of {PAGE} should be:\n{}", wrong.join("\n"));
    let listed: BTreeSet<&str> = table.iter().flat_map(|row| row[2].split(", ")).collect();
    let read: BTreeSet<&str> =
        faiss_kinds().iter().filter(|kind| kind.instead.is_none()).map(|kind| kind.fourcc).collect();
    assert_eq!(listed, read, "fourccs in {PAGE}, and those that are read");
}

#[test]
fn the_guide_lists_every_kind_that_is_refused() {
    let mut expected: Vec<Vec<String>> = Vec::new();
    for kind in faiss_kinds() {
        let Some(instead) = kind.instead else { continue };
        match expected.last_mut().filter(|row| row[0] == kind.class) {
            Some(row) => row[1] = format!("{}, {}", row[1], kind.fourcc),
            None => expected.push(vec![kind.class.to_owned(), kind.fourcc.to_owned(), instead.to_owned()]),
        }
    }
    let lines = expected.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>().join("\n");
    assert!(rows("Kinds that are refused") == expected, "the rows of {PAGE} should be:\n{lines}");
}

#[test]
fn every_refusal_names_the_kind_and_a_way_out() {
    let folder = root().join("tests/golden/refused");
    let records: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(folder.join("kinds.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for record in &records {
        let [name, class, place] = ["name", "class", "where"].map(|key| record[key].as_str().unwrap());
        let path = folder.join(format!("{name}.index"));
        let Err(error) = Index::open(&path, &Device::flex()) else {
            wrong.push(format!("{name} was read"));
            continue;
        };
        let message = error.to_string();
        let Error::File { source, .. } = error else { panic!("{message} names no file") };
        let is_refusal = matches!(*source, Error::UnsupportedKind { .. });
        let is_coarse = message.contains("coarse quantiser: ");
        if !is_refusal || !message.contains(class) || (place == "coarse") != is_coarse {
            wrong.push(format!("{name} ({class}): {message}"));
        }
    }
    assert!(records.len() >= 75, "{}", records.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
