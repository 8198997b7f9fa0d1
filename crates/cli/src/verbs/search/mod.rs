//! `search`: finds the nearest entries of an index.

mod results;
mod views;

use std::{num::NonZeroUsize, ops::Range, path::PathBuf, time::Instant};

use anyhow::{Result, ensure};
use burn::tensor::Tensor;
use device_math::transfer::upload_rows;
use image_file::path_text;
use index::{Codes, Index, Metric, npy};
use serde::Serialize;

use self::{results::Results, views::Views};
use crate::{
    args::Search,
    inputs::{
        extractor::LoadedExtractor,
        image_files::{self, Found, LeftOut},
    },
    outputs::{Content, Outputs},
    report::{
        Report,
        table::{decimal, table},
    },
    session::{Outcome, Session},
    side_files::{entry_names::Names, extractor_record::Source, settled_read::open_with_names},
};

/// Queries and the entries found.
#[derive(Serialize)]
struct SearchReport {
    #[serde(flatten)]
    visited: Option<Visited>,
    queries: Vec<Query>,
}

/// Cells that each query visited.
#[derive(Serialize, Clone, Copy)]
struct Visited {
    nprobe: usize,
    /// True if the index file has the number, false if the user gave it.
    #[serde(skip)]
    is_own: bool,
}

impl Visited {
    /// Cells that a search visits: as many as given, else as many as the index file has for its searches, as in faiss; at
    /// most all. `None` without cells.
    fn new(index: &Index, given: Option<NonZeroUsize>) -> Option<Self> {
        let own = usize::try_from(index.default_nprobe()?).unwrap_or(usize::MAX);
        let nprobe = given.map_or(own, NonZeroUsize::get).min(index.nlist()?);
        Some(Self { nprobe, is_own: given.is_none() })
    }
}

/// A query: an image, or a row of descriptors.
#[derive(Serialize)]
struct Query {
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Number of views that were searched, if more than one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    looks: Option<usize>,
    results: Vec<Hit>,
}

/// An entry found.
#[derive(Serialize)]
struct Hit {
    rank: usize,
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Distance as faiss reports it: squared L2 distance, inner product, or for LSH the number of differing bits.
    distance: f32,
    /// Cosine, for unit vectors; none for LSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<f32>,
}

pub fn run(arguments: &Search, session: &Session) -> Result<Outcome> {
    let inputs = arguments.inputs.iter().chain([&arguments.index]);
    Outputs::default().and_any(arguments.out.as_ref(), Content::Arrays).check(inputs)?;
    let Loaded { mut index, names, descriptors, groups, mut queries, left_out } = load(arguments, session)?;
    arguments.ef_search.map_or(Ok(()), |count| index.set_ef_search(count.get()))?;
    if let Some(descriptors) = &descriptors {
        make_ready(&index, descriptors)?;
    }
    let visited = Visited::new(&index, arguments.nprobe);
    let started = Instant::now();
    let search = |descriptors| -> Result<Results> {
        let nprobe = visited.map_or(1, |visited| visited.nprobe);
        let found = Results::search(&index, descriptors, arguments, nprobe)?;
        Ok(if arguments.looks.get() > 1 { found.grouped(&groups, index.metric()) } else { found })
    };
    let found = descriptors.map(search).transpose()?;
    let seconds = started.elapsed().as_secs_f64();

    if let Some(found) = &found {
        let answered = queries.iter_mut().filter(|query| query.error.is_none());
        answered.enumerate().for_each(|(row, query)| query.results = hits(found, row, &index, &names));
        let answers: Vec<bool> = queries.iter().map(|query| query.error.is_none()).collect();
        arguments.out.as_ref().map_or(Ok(()), |path| found.write(path, &answers))?;
    }
    let outcome = Outcome::of(left_out.failed() || queries.iter().any(|query| query.error.is_some()));
    let entries = index.ntotal();
    let report = Report::new(SearchReport { visited, queries }).after(seconds).without(left_out);
    session.result(&report, || text(&report, entries, arguments.radius, seconds))?;
    Ok(outcome)
}

/// The index and the names of its entries, the descriptors `[n, d]` of the readable queries, if any, the rows of each of them,
/// and all queries, without results.
struct Loaded {
    index: Index,
    names: Names,
    descriptors: Option<Tensor<2>>,
    groups: Vec<Range<usize>>,
    queries: Vec<Query>,
    left_out: LeftOut,
}

fn load(arguments: &Search, session: &Session) -> Result<Loaded> {
    match arguments.inputs.as_slice() {
        [file] if file.extension().is_some_and(|e| e == "npy") => {
            ensure!(
                arguments.looks.get() == 1,
                "--looks: {} holds descriptors, and views are of images",
                path_text(file)
            );
            let device = session.device()?.device;
            let (index, names) = open_with_names(&arguments.index, &device, session)?;
            let descriptors = npy::read_descriptors(file, &device)?;
            Source::index(&arguments.index)?.check(&Source::descriptors(file)?, session)?;
            let query =
                |row: usize| Query { query: row.to_string(), error: None, looks: None, results: Vec::new() };
            let rows = descriptors.dims()[0];
            Ok(Loaded {
                index,
                names,
                descriptors: Some(descriptors),
                groups: (0..rows).map(|row| row..row + 1).collect(),
                queries: (0..rows).map(query).collect(),
                left_out: LeftOut::default(),
            })
        }
        inputs => load_images(inputs, arguments, session),
    }
}

fn load_images(inputs: &[PathBuf], arguments: &Search, session: &Session) -> Result<Loaded> {
    let loaded = LoadedExtractor::load(session)?;
    let (index, names) = loaded.index_with_names(&arguments.index, session)?;
    let Found { images: inputs, left_out } = image_files::find(inputs, None, session)?;
    let reader = (&arguments.reading).into();
    let (views, queries) = views::describe(&loaded, &inputs, arguments.looks.get(), &reader, session)?;
    let Views { descriptors, groups } = views;
    let descriptors = (!descriptors.is_empty()).then(|| upload_rows(&descriptors, &loaded.device));
    Ok(Loaded { index, names, descriptors, groups, queries, left_out })
}

/// Makes an inverted file compute the tables of its cells, as its first search does. They count as loading, as in faiss.
fn make_ready(index: &Index, descriptors: &Tensor<2>) -> Result<()> {
    if index.nlist().is_some() && descriptors.dims()[0] > 0 {
        index.search(descriptors.clone().narrow(0, 0, 1), 1, 1)?;
    }
    Ok(())
}

fn hits(found: &Results, row: usize, index: &Index, names: &Names) -> Vec<Hit> {
    let hashed = matches!(index.factory().codes, Codes::Lsh { .. });
    let similarity = |distance: f32| match index.metric() {
        _ if hashed => None,
        Metric::L2 => Some(1.0 - distance / 2.0),
        Metric::InnerProduct => Some(distance),
    };
    let hit = |(rank, (id, distance)): (usize, (i64, f32))| {
        let name = names.get(&id).cloned();
        Hit { rank: rank + 1, id, name, distance, similarity: similarity(distance) }
    };
    found.of_query(row).enumerate().map(hit).collect()
}

/// Formats the results of a search among `entries`; `seconds` is its duration.
fn text(report: &Report<SearchReport>, entries: usize, radius: Option<f32>, seconds: f64) -> String {
    let SearchReport { visited, queries } = &report.body;
    let row = |query: &str, hit: &Hit| {
        let name = hit.name.clone().unwrap_or_default();
        let numbers = [hit.rank.to_string(), hit.id.to_string()];
        let distances = [Some(hit.distance), hit.similarity].map(|value| decimal(value.map(f64::from), 4));
        [query.to_owned(), name].into_iter().chain(numbers).chain(distances).collect()
    };
    let hits = queries.iter().flat_map(|query| query.results.iter().map(|hit| row(&query.query, hit)));
    let rows: Vec<Vec<String>> = hits.collect();
    let found = if rows.is_empty() {
        format!("nothing found: {}", reason(queries, entries, radius))
    } else {
        table(&["query", "name", "rank", "id", "distance", "similarity"], 2, rows)
    };
    let cells = visited.map_or_else(String::new, |Visited { nprobe, is_own }| {
        let source = if is_own { ", as the index file says" } else { "" };
        format!("; nprobe {nprobe}{source}")
    });
    let answered = queries.iter().filter(|query| query.error.is_none()).count();
    let failed = queries.len() - answered;
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let left_out = report.left_out();
    let searched = if answered == 1 { "query" } else { "queries" };
    format!("{found}\n{answered} {searched} searched in {:.1} ms{failed}{cells}{left_out}", 1e3 * seconds)
}

/// Says why no query has a result.
fn reason(queries: &[Query], entries: usize, radius: Option<f32>) -> &'static str {
    if entries == 0 {
        "the index is empty"
    } else if queries.is_empty() {
        "there are no queries"
    } else if queries.iter().all(|query| query.error.is_some()) {
        "no query can be read"
    } else if radius.is_some() {
        "no entry is within the radius"
    } else {
        "the visited cells are empty"
    }
}
