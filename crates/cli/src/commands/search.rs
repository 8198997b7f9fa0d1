//! `search`: nearest entries of an index.

use std::{
    collections::HashMap,
    io::Seek,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use burn::tensor::Tensor;
use index::{Index, Metric, Neighbours, npy};
use npyz::WriterBuilder;
use serde::Serialize;

use crate::{
    Outcome,
    args::{Globals, Search},
    device,
    engine::Engine,
    files::write_whole,
    images, names,
    output::{Output, SCHEMA, one_line},
    progress, table,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    seconds: f64,
    queries: Vec<Query>,
}

#[derive(Serialize)]
struct Query {
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    results: Vec<Hit>,
}

#[derive(Serialize)]
struct Hit {
    rank: usize,
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// As faiss reports it: squared L2 distance, or inner product.
    distance: f32,
    /// Cosine, for unit vectors.
    similarity: f32,
}

pub fn run(arguments: &Search, globals: &Globals, output: &Output) -> Result<Outcome> {
    let Loaded { index, descriptors, mut queries } = load(arguments, globals, output)?;
    let names = names::read_if_there(&names::beside(&arguments.index))?;
    let started = Instant::now();
    let found = index.search(descriptors, arguments.k.get(), arguments.nprobe.get())?;
    let seconds = started.elapsed().as_secs_f64();

    let answered = queries.iter_mut().filter(|query| query.error.is_none());
    answered.enumerate().for_each(|(row, query)| query.results = hits(&found, row, index.metric(), &names));
    let document = Document { schema: SCHEMA, seconds, queries };
    output.result(&document, || text(&document))?;
    if let Some(path) = &arguments.out {
        write_arrays(path, &found)?;
    }
    let failed = document.queries.iter().any(|query| query.error.is_some());
    Ok(if failed { Outcome::SomeFailed } else { Outcome::Done })
}

/// The index, the descriptors `[n, d]` of the queries that can be read, and all queries, unanswered.
struct Loaded {
    index: Index,
    descriptors: Tensor<2>,
    queries: Vec<Query>,
}

fn load(arguments: &Search, globals: &Globals, output: &Output) -> Result<Loaded> {
    match arguments.inputs.as_slice() {
        [file] if file.extension().is_some_and(|e| e == "npy") => {
            let device = device::choose(&globals.device)?.device;
            let index = Index::open(&arguments.index, &device)?;
            let descriptors = npy::read_descriptors(file, &device)?;
            let query = |row: usize| Query { query: row.to_string(), error: None, results: Vec::new() };
            let queries = (0..descriptors.dims()[0]).map(query).collect();
            Ok(Loaded { index, descriptors, queries })
        }
        inputs => load_images(inputs, arguments, globals, output),
    }
}

fn load_images(inputs: &[PathBuf], arguments: &Search, globals: &Globals, output: &Output) -> Result<Loaded> {
    let engine = Engine::start(globals, output)?;
    let index = engine.index(Some(&arguments.index))?;
    let inputs = images::find(inputs)?;
    let bar = progress::bar(inputs.len(), "describing");
    let (mut descriptors, mut queries) = (Vec::new(), Vec::new());
    for input in inputs {
        let query = input.path.display().to_string();
        let described = images::read(&input.path).and_then(|image| engine.describe(&[&image]));
        let error =
            described.map(|descriptor| descriptors.push(descriptor)).err().map(|error| one_line(&error));
        if let Some(reason) = &error {
            bar.suspend(|| output.failure(&query, reason));
        }
        queries.push(Query { query, error, results: Vec::new() });
        bar.inc(1);
    }
    bar.finish_and_clear();
    ensure!(!descriptors.is_empty(), "none of the {} images could be read", queries.len());
    Ok(Loaded { index, descriptors: Tensor::cat(descriptors, 0), queries })
}

fn hits(found: &Neighbours, row: usize, metric: Metric, names: &HashMap<i64, String>) -> Vec<Hit> {
    let pairs = found.ids_of(row).iter().zip(found.distances_of(row)).take_while(|(id, _)| **id >= 0);
    let hit = |(rank, (&id, &distance)): (usize, (&i64, &f32))| {
        let similarity = match metric {
            Metric::L2 => 1.0 - distance / 2.0,
            Metric::InnerProduct => distance,
        };
        Hit { rank: rank + 1, id, name: names.get(&id).cloned(), distance, similarity }
    };
    pairs.enumerate().map(hit).collect()
}

fn text(document: &Document) -> String {
    let row = |query: &str, hit: &Hit| {
        let name = hit.name.clone().unwrap_or_default();
        let numbers = [hit.rank.to_string(), hit.id.to_string()];
        let distances = [hit.distance, hit.similarity].map(|value| format!("{value:.4}"));
        [query.to_owned(), name].into_iter().chain(numbers).chain(distances).collect()
    };
    let rows =
        document.queries.iter().flat_map(|query| query.results.iter().map(|hit| row(&query.query, hit)));
    let found = table::table(&["query", "name", "rank", "id", "distance", "similarity"], 2, rows);
    format!("{found}\n{} queries searched in {:.1} ms", document.queries.len(), 1e3 * document.seconds)
}

/// Arrays D `[n, k]` float32 and I `[n, k]` int64.
fn write_arrays(path: &Path, found: &Neighbours) -> Result<()> {
    let mut buffer = std::io::Cursor::new(Vec::new());
    write_npz(&mut buffer, found).with_context(|| format!("cannot write {}", path.display()))?;
    write_whole(path, |file| Ok(file.write_all(buffer.get_ref())?))
}

fn write_npz(sink: &mut (impl std::io::Write + Seek), found: &Neighbours) -> Result<()> {
    let shape = [(found.ids.len() / found.k) as u64, found.k as u64];
    let mut archive = npyz::npz::NpzWriter::new(sink);
    let mut distances = archive.array("D", Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    distances.extend(&found.distances)?;
    distances.finish()?;
    let mut ids = archive.array("I", Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    ids.extend(&found.ids)?;
    ids.finish()?;
    Ok(())
}
