//! `search`: nearest entries of an index.

use std::{
    collections::BTreeMap,
    io::Seek,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
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
    let names = names::read_if_there(&names::of_index(&arguments.index))?;
    let started = Instant::now();
    let search = |descriptors| index.search(descriptors, arguments.k.get(), arguments.nprobe.get());
    let found = descriptors.map(search).transpose()?;
    let seconds = started.elapsed().as_secs_f64();

    if let Some(found) = &found {
        let answered = queries.iter_mut().filter(|query| query.error.is_none());
        answered
            .enumerate()
            .for_each(|(row, query)| query.results = hits(found, row, index.metric(), &names));
        let answers: Vec<bool> = queries.iter().map(|query| query.error.is_none()).collect();
        arguments.out.as_ref().map_or(Ok(()), |path| write_arrays(path, found, &answers))?;
    }
    let outcome = Outcome::of(queries.iter().any(|query| query.error.is_some()));
    let document = Document { schema: SCHEMA, seconds, queries };
    output.result(&document, || text(&document))?;
    Ok(outcome)
}

/// The index, the descriptors `[n, d]` of the queries that can be read, if any, and all queries, unanswered.
struct Loaded {
    index: Index,
    descriptors: Option<Tensor<2>>,
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
            Ok(Loaded { index, descriptors: Some(descriptors), queries })
        }
        inputs => load_images(inputs, arguments, globals, output),
    }
}

fn load_images(inputs: &[PathBuf], arguments: &Search, globals: &Globals, output: &Output) -> Result<Loaded> {
    let engine = Engine::start(globals, output)?;
    let index = engine.index(Some(&arguments.index))?;
    let inputs = images::find(inputs, None)?;
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
    Ok(Loaded { index, descriptors: (!descriptors.is_empty()).then(|| Tensor::cat(descriptors, 0)), queries })
}

fn hits(found: &Neighbours, row: usize, metric: Metric, names: &BTreeMap<i64, String>) -> Vec<Hit> {
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

/// Arrays D `[n, k]` float32 and I `[n, k]` int64, a row for each query; those that were not searched hold NaN
/// and -1.
fn write_arrays(path: &Path, found: &Neighbours, answered: &[bool]) -> Result<()> {
    let mut row = 0;
    let (mut distances, mut ids) = (Vec::new(), Vec::new());
    for &answered in answered {
        if answered {
            distances.extend_from_slice(found.distances_of(row));
            ids.extend_from_slice(found.ids_of(row));
            row += 1;
        } else {
            distances.resize(distances.len() + found.k, f32::NAN);
            ids.resize(ids.len() + found.k, -1);
        }
    }
    let shape = [answered.len() as u64, found.k as u64];
    let mut buffer = std::io::Cursor::new(Vec::new());
    write_npz(&mut buffer, shape, &distances, &ids)
        .with_context(|| format!("cannot write {}", path.display()))?;
    write_whole(path, |file| file.write_all(buffer.get_ref()))
}

fn write_npz(
    sink: &mut (impl std::io::Write + Seek),
    shape: [u64; 2],
    distances: &[f32],
    ids: &[i64],
) -> Result<()> {
    let mut archive = npyz::npz::NpzWriter::new(sink);
    let mut array = archive.array("D", Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    array.extend(distances)?;
    array.finish()?;
    let mut array = archive.array("I", Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    array.extend(ids)?;
    array.finish()?;
    Ok(())
}
