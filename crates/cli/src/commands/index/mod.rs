//! `index train`, `index add`, `index info`.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use index::{Index, TrainConfig, TrainProgress, TrainStage, npy};
use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{
    Outcome,
    args::{Globals, IndexAdd, IndexTrain, IndexVerb},
    device, interrupt, names,
    output::{Output, SCHEMA},
    progress, table,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    factory: String,
    metric: String,
    d: usize,
    ntotal: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    nlist: Option<usize>,
    seconds: f64,
    bytes: u64,
}

pub fn run(verb: &IndexVerb, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let device = device::choose(&globals.device)?.device;
    let (index, path) = match verb {
        IndexVerb::Train(arguments) => (train(arguments, &device)?, &arguments.out),
        IndexVerb::Add(arguments) => (add(arguments, &device)?, &arguments.index),
        IndexVerb::Info { index } => (Index::open(index, &device)?, index),
    };
    let document = Document {
        schema: SCHEMA,
        factory: index.factory().to_string(),
        metric: index.metric().to_string(),
        d: index.d(),
        ntotal: index.ntotal(),
        nlist: index.nlist(),
        seconds: started.elapsed().as_secs_f64(),
        bytes: fs::metadata(path).with_context(|| path.display().to_string())?.len(),
    };
    output.result(&document, || text(&document))?;
    Ok(Outcome::Done)
}

fn text(document: &Document) -> String {
    let rows = [
        ("factory", document.factory.clone()),
        ("metric", document.metric.clone()),
        ("dimension", document.d.to_string()),
        ("entries", document.ntotal.to_string()),
        ("cells", document.nlist.map_or_else(|| "-".to_owned(), |n| n.to_string())),
        ("bytes", document.bytes.to_string()),
        ("seconds", format!("{:.2}", document.seconds)),
    ];
    table::table(&["index", ""], 1, rows.map(|(name, value)| vec![name.to_owned(), value]))
}

fn train(arguments: &IndexTrain, device: &Device) -> Result<Index> {
    let vectors = npy::read_descriptors(&arguments.input, device)?;
    let vectors = match arguments.train_size {
        Some(size) => draw(vectors, size.get(), arguments.seed),
        None => vectors,
    };
    let config = TrainConfig { metric: arguments.metric, seed: arguments.seed, ..TrainConfig::default() };
    let bar = progress::bar(0, "training");
    let index = Index::train_with_progress(&arguments.factory, vectors, &config, &mut |p| show(&bar, p))
        .with_context(|| arguments.input.display().to_string())?;
    bar.finish_and_clear();
    save(&index, &arguments.out)?;
    Ok(index)
}

fn show(bar: &indicatif::ProgressBar, progress: TrainProgress) {
    let stage = match progress.stage {
        TrainStage::Transform => "transform".to_owned(),
        TrainStage::Coarse => "coarse quantiser".to_owned(),
        TrainStage::Subquantizer { j, m } => format!("sub-quantiser {} of {m}", j + 1),
    };
    bar.set_message(stage);
    bar.set_length(progress.iterations as u64);
    bar.set_position(progress.iteration as u64 + 1);
}

/// `size` rows drawn by `seed`, in their order; all where there are not more.
fn draw(vectors: Tensor<2>, size: usize, seed: u64) -> Tensor<2> {
    let [n, _] = vectors.dims();
    if size >= n {
        return vectors;
    }
    let mut rows = sample(&mut ChaCha8Rng::seed_from_u64(seed), n, size).into_vec();
    rows.sort_unstable();
    let rows: Vec<i64> = rows.into_iter().map(|row| row as i64).collect();
    let device = vectors.device();
    vectors.select(0, Tensor::from_data(TensorData::new(rows, [size]), &device))
}

fn add(arguments: &IndexAdd, device: &Device) -> Result<Index> {
    let mut index = Index::open(&arguments.index, device)?;
    let vectors = npy::read_descriptors(&arguments.input, device)?;
    let [n, _] = vectors.dims();
    let ids = match &arguments.ids {
        Some(path) => {
            let ids = read_ids(path)?;
            index.add_with_ids(vectors, &ids).with_context(|| path.display().to_string())?;
            ids
        }
        None => index.add(vectors).with_context(|| arguments.input.display().to_string())?.collect(),
    };
    let path = names::of_index(&arguments.index);
    let names = match &arguments.names {
        Some(rows) => {
            let mut names = names::read_if_there(&path)?;
            names.extend(rows_to_ids(rows, &ids, n)?);
            Some(names)
        }
        None => None,
    };
    // Names first: should the index not follow, adding again gives the same ids the same names.
    names.map_or(Ok(()), |names| names::write(&path, "id", names))?;
    save(&index, &arguments.index)?;
    Ok(index)
}

/// The names of rows, by the ids the rows were given.
fn rows_to_ids(path: &Path, ids: &[i64], n: usize) -> Result<Vec<(i64, String)>> {
    let rows = names::read(path)?;
    let outside = rows.keys().find(|&&row| !(0..n as i64).contains(&row));
    if let Some(row) = outside {
        bail!("{} names row {row}, but there are {n}", path.display());
    }
    Ok(rows.into_iter().map(|(row, name)| (ids[row as usize], name)).collect())
}

/// Ids of a .npy file: int64, shape `[n]`.
fn read_ids(path: &Path) -> Result<Vec<i64>> {
    let read = || -> Result<Vec<i64>> {
        ensure!(fs::metadata(path)?.is_file(), "is no regular file");
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        let array = npyz::NpyFile::new(std::io::BufReader::new(file))?;
        ensure!(array.shape().len() == 1, "shape is {:?}, expected [n]", array.shape());
        let fits = array.len().checked_mul(8).is_some_and(|bytes| bytes <= length);
        ensure!(fits, "{} values are announced, the file has {length} bytes", array.len());
        Ok(array.into_vec()?)
    };
    read().with_context(|| path.display().to_string())
}

fn save(index: &Index, path: &Path) -> Result<()> {
    let _held = interrupt::hold_off();
    path.parent().map_or(Ok(()), fs::create_dir_all).with_context(|| path.display().to_string())?;
    Ok(index.write(path)?)
}
