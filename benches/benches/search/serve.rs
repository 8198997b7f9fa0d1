//! Our side of the comparison: answers requests on the standard streams.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use burn::tensor::{DType, Device, Tensor, TensorData};
use index::{Index, TrainConfig};

use crate::{
    data::read_rows,
    machine::{bandwidth, peak_memory, product},
    request::Request,
    workload::D,
};

/// State of the process between requests. Before the clock starts, vectors are in the form that the index
/// accepts: a tensor, as an array for faiss.
#[derive(Default)]
struct Server {
    /// The index last opened.
    index: Option<Index>,
    /// Vectors last loaded, `D` floats each, until they are used for training.
    rows: Vec<f32>,
    /// File of the loaded vectors.
    loaded: Option<(PathBuf, usize)>,
}

/// Answers until the input ends.
pub fn serve() -> Result<()> {
    let mut server = Server::default();
    benches::serve(concat!("active-index ", env!("CARGO_PKG_VERSION")), |request| server.answer(request))
}

impl Server {
    fn answer(&mut self, request: Request) -> Result<f64> {
        match request {
            Request::Load { path, count } => self.load(&path, count),
            Request::Open { path, queries } => self.open(&path, queries),
            Request::Batch { nprobe, count, k } => self.batch(nprobe, count, k),
            Request::Single { nprobe, count, k } => self.single(nprobe, count, k),
            Request::Answers { nprobe, count, k, to } => self.answers(nprobe, count, k, &to),
            Request::Train { factory, iterations, max_points_per_centroid, to } => {
                let limits = TrainConfig { iterations, max_points_per_centroid, ..TrainConfig::default() };
                let config = TrainConfig { opq_iterations: iterations, ..limits };
                self.train(&factory, &config, &to)
            }
            Request::Add { index, vectors, count, block, to } => {
                self.add(&index, File::open(vectors)?, count, block, &to)
            }
            Request::Memory => peak_memory(),
            Request::Product => Ok(product()),
            Request::Bandwidth => Ok(bandwidth()),
            Request::Visited { .. } | Request::Distortion { .. } | Request::Agreement { .. } => {
                bail!("asked of faiss only")
            }
        }
    }

    fn load(&mut self, path: &Path, count: usize) -> Result<f64> {
        self.rows = read_rows(&mut File::open(path)?, count)?;
        self.loaded = Some((path.to_owned(), count));
        Ok((self.rows.len() / D) as f64)
    }

    fn open(&mut self, path: &Path, queries: usize) -> Result<f64> {
        self.index = None;
        let queries = (queries > 0).then(|| self.first(queries)).transpose()?;
        let started = Instant::now();
        let index = Index::open(path, &Device::flex())?;
        queries.map(|queries| index.search(queries, 10, 16)).transpose()?;
        let seconds = started.elapsed().as_secs_f64();
        self.index = Some(index);
        Ok(seconds)
    }

    fn batch(&self, nprobe: usize, count: usize, k: usize) -> Result<f64> {
        let (index, queries) = (self.index()?, self.first(count)?);
        seconds(|| index.search(queries, k, nprobe))
    }

    fn single(&self, nprobe: usize, count: usize, k: usize) -> Result<f64> {
        let index = self.index()?;
        let queries: Vec<_> = self.rows.chunks_exact(D).take(count).map(|row| matrix(row.to_vec())).collect();
        let times = queries.into_iter().map(|query| seconds(|| index.search(query, k, nprobe)));
        let mut times = times.collect::<Result<Vec<f64>>>()?;
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().context("no queries")
    }

    fn answers(&self, nprobe: usize, count: usize, k: usize, to: &Path) -> Result<f64> {
        let found = self.index()?.search(self.first(count)?, k, nprobe)?;
        std::fs::write(to, bytemuck::cast_slice(&found.ids))?;
        Ok(found.ids.len() as f64)
    }

    fn train(&mut self, factory: &str, config: &TrainConfig, to: &Path) -> Result<f64> {
        let factory = factory.parse()?;
        if self.rows.is_empty() {
            let (path, count) = self.loaded.clone().context("no vectors are loaded")?;
            self.load(&path, count)?;
        }
        // Passed by value, as a caller would: a tensor that is kept elsewhere has to be copied.
        let vectors = matrix(std::mem::take(&mut self.rows));
        let started = Instant::now();
        let index = Index::train(&factory, vectors, config)?;
        let seconds = started.elapsed().as_secs_f64();
        index.write(to)?;
        Ok(seconds)
    }

    fn add(&mut self, path: &Path, mut vectors: File, count: usize, block: usize, to: &Path) -> Result<f64> {
        let index = self.index.insert(Index::open(path, &Device::flex())?);
        let mut total = 0.0;
        for start in (0..count).step_by(block) {
            let rows = matrix(read_rows(&mut vectors, block.min(count - start))?);
            total += seconds(|| index.add(rows))?;
        }
        index.write(to)?;
        Ok(total)
    }

    fn index(&self) -> Result<&Index> {
        self.index.as_ref().context("no index is open")
    }

    /// The first `count` loaded vectors.
    fn first(&self, count: usize) -> Result<Tensor<2>> {
        let rows = self.rows.get(..count * D).context("fewer vectors are loaded")?;
        Ok(matrix(rows.to_vec()))
    }
}

/// Duration of a successful call in seconds.
fn seconds<T>(call: impl FnOnce() -> index::Result<T>) -> Result<f64> {
    let started = Instant::now();
    call()?;
    Ok(started.elapsed().as_secs_f64())
}

/// Rows `[n, D]` in the form that the index accepts.
fn matrix(rows: Vec<f32>) -> Tensor<2> {
    let n = rows.len() / D;
    let data = TensorData::new(rows, [n, D]);
    Tensor::from_data(data, (&Device::flex(), DType::F32))
}
