//! Our sides of the comparison: a collection, and one index of the same entries.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use burn::tensor::{DType, Device, Tensor, TensorData};
use collection::{Collection, Digest, FindSettings, NewEntry};
use index::Index;

use crate::{
    arguments::Kind,
    data::{D, read_rows},
    request::Request,
};

/// Folder of the collection in the working folder.
const COLLECTION: &str = "collection";
/// File of the bare index in the working folder.
const BARE: &str = "bare.faiss";

/// Place in which queries are looked up.
enum Place {
    Collection(Collection),
    Bare(Box<Index>),
}

/// State of the process between requests.
struct Server {
    kind: Kind,
    place: Option<Place>,
    /// Queries, `[n, D]`.
    queries: Vec<f32>,
}

/// Answers until the input ends.
pub fn serve(kind: Kind) -> Result<()> {
    let version = concat!("active-index ", env!("CARGO_PKG_VERSION"));
    let mut server = Server { kind, place: None, queries: Vec::new() };
    benches::serve(version, |request| server.answer(request))
}

impl Server {
    fn answer(&mut self, request: Request) -> Result<f64> {
        match request {
            Request::Create { quantiser, .. } => self.create(&quantiser),
            Request::Add { vectors, first, count, block } => self.add(&vectors, first, count, block),
            Request::Compact => self.compact(),
            Request::Export { to } => self.export(&to),
            Request::Open => self.open(),
            Request::Load { path, count } => {
                self.queries = read_rows(&path, 0, count)?;
                Ok(count as f64)
            }
            Request::Batch { nprobe, count, k } => self.batch(nprobe, count, k),
            Request::Single { nprobe, count, k } => self.single(nprobe, count, k),
            Request::Answers { nprobe, count, k, to } => self.answers(nprobe, count, k, &to),
            Request::Memory => memory(),
            Request::Bytes => bytes(Path::new(COLLECTION)).map(|bytes| bytes as f64),
            Request::Settle => bail!("a collection settles in the background"),
        }
    }

    fn create(&mut self, quantiser: &Path) -> Result<f64> {
        self.place = None;
        if Path::new(COLLECTION).exists() {
            fs::remove_dir_all(COLLECTION)?;
        }
        Collection::create(Path::new(COLLECTION), &Index::open(quantiser, &Device::flex())?)?;
        Ok(0.0)
    }

    /// Seconds of storing and of closing, which waits for compactions.
    fn add(&mut self, vectors: &Path, first: usize, count: usize, block: usize) -> Result<f64> {
        self.place = None;
        let mut total = 0.0;
        let collection = opened()?;
        for start in (first..first + count).step_by(block) {
            let rows = read_rows(vectors, start, block.min(first + count - start))?;
            total += seconds(|| store(&collection, start, rows))?;
        }
        let closing = Instant::now();
        drop(collection);
        Ok(total + closing.elapsed().as_secs_f64())
    }

    fn compact(&self) -> Result<f64> {
        let collection = opened()?;
        seconds(|| Ok(collection.compact()?))
    }

    fn export(&self, to: &Path) -> Result<f64> {
        opened()?.export()?.write(to)?;
        Ok(0.0)
    }

    fn open(&mut self) -> Result<f64> {
        self.place = None;
        let kind = self.kind;
        seconds(|| {
            self.place = Some(match kind {
                Kind::Collection => Place::Collection(opened()?),
                Kind::Bare => Place::Bare(Box::new(Index::open(Path::new(BARE), &Device::flex())?)),
            });
            Ok(())
        })
    }

    fn batch(&self, nprobe: usize, count: usize, k: usize) -> Result<f64> {
        let queries = self.rows(count)?.to_vec();
        seconds(|| self.found(queries, k, nprobe).map(drop))
    }

    fn single(&self, nprobe: usize, count: usize, k: usize) -> Result<f64> {
        let times = self.rows(count)?.chunks_exact(D).map(|query| {
            let query = query.to_vec();
            seconds(|| self.found(query, k, nprobe).map(drop))
        });
        let mut times = times.collect::<Result<Vec<f64>>>()?;
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().context("no queries")
    }

    fn answers(&self, nprobe: usize, count: usize, k: usize, to: &Path) -> Result<f64> {
        let firsts = self.found(self.rows(count)?.to_vec(), k, nprobe)?;
        // Ids begin at 1 and follow the rows.
        let firsts: Vec<i64> = firsts.into_iter().map(|id| id - 1).collect();
        fs::write(to, bytemuck::cast_slice(&firsts))?;
        Ok(firsts.len() as f64)
    }

    /// First id found for each query; 0 where none is.
    fn found(&self, queries: Vec<f32>, k: usize, nprobe: usize) -> Result<Vec<i64>> {
        match self.place.as_ref().context("nothing is open")? {
            Place::Collection(collection) => {
                let settings = FindSettings { k, nprobe, ..FindSettings::default() };
                let found = collection.find(matrix(queries), &settings)?;
                Ok(found.iter().map(|row| row.first().map_or(0, |first| first.id)).collect())
            }
            Place::Bare(index) => {
                let found = index.search(matrix(queries), k, nprobe)?;
                Ok(found.ids.chunks_exact(k).map(|row| row[0].max(0)).collect())
            }
        }
    }

    /// The first `count` queries.
    fn rows(&self, count: usize) -> Result<&[f32]> {
        self.queries.get(..count * D).context("fewer queries are loaded")
    }
}

fn opened() -> Result<Collection> {
    Ok(Collection::open(Path::new(COLLECTION), &Device::flex())?)
}

/// Stores rows as `collection add FILE.npy` does, named by their numbers.
fn store(collection: &Collection, first: usize, rows: Vec<f32>) -> Result<()> {
    let entry = |(descriptor, number): (&[f32], usize)| {
        NewEntry::added(format!("{number:08}.jpg"), Some(Digest::of_descriptor(descriptor)))
    };
    let entries: Vec<NewEntry> = rows.chunks_exact(D).zip(first..).map(entry).collect();
    collection.store(&entries, matrix(rows))?;
    Ok(())
}

/// Duration of a successful call in seconds.
fn seconds(call: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    call()?;
    Ok(started.elapsed().as_secs_f64())
}

/// Rows `[n, D]` in the form that collections and indexes accept.
fn matrix(rows: Vec<f32>) -> Tensor<2> {
    let n = rows.len() / D;
    Tensor::from_data(TensorData::new(rows, [n, D]), (&Device::flex(), DType::F32))
}

/// Resident memory of this process that no file backs, in MiB.
fn memory() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kibibytes: f64 = line.split_whitespace().next().context("empty RssAnon")?.parse()?;
    Ok(kibibytes / 1024.0)
}

/// Bytes of all files below a folder.
fn bytes(folder: &Path) -> Result<u64> {
    let sizes = fs::read_dir(folder)?.map(|file| -> Result<u64> {
        let path: PathBuf = file?.path();
        if path.is_dir() { bytes(&path) } else { Ok(path.metadata()?.len()) }
    });
    sizes.sum()
}
