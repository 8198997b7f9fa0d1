//! faiss reads our files and gives the same answers, and the other way round.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use burn::tensor::{Device, Tensor, TensorData};
use index::{Index, Metric, TrainConfig, npy};
use tempfile::TempDir;

use crate::{
    agreement::{Answers, agree},
    fixtures::root,
};

/// Script of faiss's side.
const SCRIPT: &str = include_str!("faiss_peer.py");

/// Neighbours requested and cells visited; the script has the same values.
const K: usize = 10;
const NPROBE: usize = 4;

/// Number of vectors in an index that faiss builds, and in one whose codebooks or graph take faiss long.
const MANY: usize = 100_000;
const FEW: usize = 20_000;

/// All kinds, in 32 dimensions. Kinds of sign codes support squared L2 distances only.
const FACTORIES: [&str; 61] = [
    "Flat",
    "SQ8",
    "SQ4",
    "SQ6",
    "SQfp16",
    "SQbf16",
    "PQ4x8",
    "PQ4x4",
    "PQ4x5",
    "PQ8x6",
    "PQ4x10",
    "PQ4x12",
    "RaBitQ",
    "LSH",
    "LSH24",
    "LSH24r",
    "LSH48r",
    "LSH24t",
    "LSH24rt",
    "IVF64,Flat",
    "IVF64,SQ8",
    "IVF64,SQ4",
    "IVF64,SQ6",
    "IVF64,SQfp16",
    "IVF64,SQbf16",
    "IVF64,RaBitQ",
    "IVF64,PQ4x8",
    "IVF64,PQ4x4",
    "IVF64,PQ8x5",
    "IVF64,PQ4x6",
    "IVF64,PQ4x10",
    "IVF64,PQ2x12",
    "IVF64,PQ8x4fs",
    "IVF64,PQ8x4fsr",
    "PCA15,IVF64,PQ5x4fs",
    "PCA15,IVF64,PQ5x4fsr",
    "OPQ4_16,IVF64,PQ4x8",
    "OPQ4,PQ4x8",
    "OPQ8_16,IVF64,PQ8x4fs",
    "PCA8,Flat",
    "PCAR8,IVF64,PQ4x8",
    "PCAR16,LSH",
    "RR16,PQ4x8",
    "RR48,Flat",
    "L2norm,IVF64,Flat",
    "L2norm,PCA8,PQ4x8",
    "HNSW16,Flat",
    "HNSW16,SQ8",
    "HNSW16,PQ8x8",
    "PCA16,HNSW8,SQfp16",
    "IVF64_HNSW8,Flat",
    "IVF64_HNSW8,PQ4x8",
    // Codes fine enough that no two vectors share one; re-ranking of equally near codes would be arbitrary.
    "PQ8x8,RFlat",
    "IVF64,PQ8x8,RFlat",
    "IVF64,PQ8x8,Refine(SQ8)",
    "IVF64,PQ4+16",
    "IDMap,SQ8",
    "IDMap2,IVF64,PQ4x8",
    "IDMap,LSH24r",
    "PCA16,IDMap,Flat",
    "IDMap2,PQ8x8,RFlat",
];

/// A kind of index in one metric.
#[derive(Clone, Copy)]
struct Kind {
    factory: &'static str,
    metric: Metric,
}

impl Kind {
    fn all() -> Vec<Self> {
        let of_metric = |metric| FACTORIES.map(|factory| Self { factory, metric });
        let exists = |kind: &Self| {
            kind.metric == Metric::L2 || !kind.factory.contains("LSH") && !kind.factory.contains('+')
        };
        [Metric::L2, Metric::InnerProduct].into_iter().flat_map(of_metric).filter(exists).collect()
    }

    /// Number of vectors in faiss's index.
    fn n(self) -> usize {
        let is_slow = ["x10", "x12", "HNSW"].iter().any(|part| self.factory.contains(part));
        if is_slow { FEW } else { MANY }
    }

    fn name(self) -> String {
        format!("{} {}", self.factory, self.metric)
    }

    /// Trains and fills the index on our side.
    fn train(self) -> Index {
        let config = TrainConfig { metric: self.metric, iterations: 3, ..TrainConfig::default() };
        let factory = self.factory.parse().unwrap_or_else(|e| panic!("{}: {e}", self.factory));
        let trained = Index::train(&factory, vectors(5000), &config);
        let mut index = trained.unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        index.add(vectors(3000)).unwrap();
        index
    }
}

/// Python with faiss in its own environment below target/, created once; otherwise the reason for its
/// absence.
fn python_with_faiss() -> &'static Result<PathBuf, String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let folder = root().join("target/faiss-peer");
        let python = folder.join("bin/python");
        if run(&python, &["-c", "import faiss"]).is_ok() {
            return Ok(python);
        }
        run(Path::new("python3"), &["-m", "venv", &folder.display().to_string()])?;
        run(&python, &["-m", "pip", "install", "--quiet", "faiss-cpu", "numpy"])?;
        Ok(python)
    })
}

/// Runs a program; returns its error output on failure.
fn run(program: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// faiss and a folder for exchanging files; `None`, with a note, if faiss is not available.
struct Peer {
    python: &'static Path,
    folder: TempDir,
}

impl Peer {
    fn new(test: &str) -> Option<Self> {
        match python_with_faiss() {
            Ok(python) => Some(Self { python, folder: tempfile::tempdir().unwrap() }),
            Err(reason) => {
                // Not `eprintln`: the test harness captures it.
                let mut stderr = std::io::stderr();
                writeln!(stderr, "SKIPPED {test}: no faiss-cpu: {reason}").unwrap();
                None
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn index(&self, number: usize) -> PathBuf {
        self.path(&format!("{number}.index"))
    }

    /// Runs a task of the script for all kinds.
    fn ask(&self, task: &[&str], kinds: &[Kind]) {
        let record = |kind: &Kind| serde_json::json!([kind.factory, kind.metric.to_string(), kind.n()]);
        let records: Vec<_> = kinds.iter().map(record).collect();
        fs::write(self.path("kinds.json"), serde_json::to_vec(&records).unwrap()).unwrap();
        let folder = self.folder.path().display().to_string();
        let mut arguments = vec!["-c", SCRIPT, task[0], folder.as_str()];
        arguments.extend(&task[1..]);
        run(self.python, &arguments).unwrap_or_else(|e| panic!("{}: {e}", task[0]));
    }

    /// faiss's answers for kind `number`: `[n, 10]`.
    fn answers(&self, number: usize) -> Answers {
        let read = |ending: &str| fs::read(self.path(&format!("{number}.{ending}"))).unwrap();
        Answers {
            distances: read("distances").as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            ids: read("ids").as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect(),
        }
    }
}

/// Clustered vectors `[n, 32]` around the origin, reproducible. Distances of neighbours are not much smaller
/// than the norms of the vectors, so distances lose no digits.
fn vectors(n: usize) -> Tensor<2> {
    let value = |i: usize| {
        let (row, column) = (i / 32, i % 32);
        let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let noise = ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) % 1000;
        ((row % 23 * 31 + column * 17) % 29) as f32 / 8.0 - 1.75 + noise as f32 / 500.0 - 1.0
    };
    Tensor::from_data(TensorData::new((0..n * 32).map(value).collect(), [n, 32]), &Device::flex())
}

/// Seed from the clock, for fresh vectors; `FAISS_PEER_SEED` repeats a run.
fn seed() -> String {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    env::var("FAISS_PEER_SEED").unwrap_or_else(|_| clock())
}

#[test]
#[ignore = "slow: installs faiss and sweeps all kinds"]
fn faiss_reads_our_files() {
    let Some(peer) = Peer::new("faiss_reads_our_files") else { return };
    let kinds = Kind::all();
    let queries = vectors(50);
    npy::write_tensor(&peer.path("queries.npy"), queries.clone()).unwrap();
    let indexes: Vec<Index> = kinds.iter().copied().map(Kind::train).collect();
    for (number, index) in indexes.iter().enumerate() {
        index.write(&peer.index(number)).unwrap();
    }
    peer.ask(&["search"], &kinds);
    for (number, (kind, index)) in kinds.iter().zip(&indexes).enumerate() {
        let ours = index.search(queries.clone(), K, NPROBE).unwrap();
        agree(&kind.name(), &ours, &peer.answers(number));
    }
}

#[test]
#[ignore = "slow: installs faiss and sweeps all kinds"]
fn we_read_files_of_faiss() {
    let Some(peer) = Peer::new("we_read_files_of_faiss") else { return };
    let (kinds, seed) = (Kind::all(), seed());
    println!("FAISS_PEER_SEED={seed}");
    peer.ask(&["build", &seed], &kinds);
    let queries = npy::read(&peer.path("queries.npy")).unwrap().into_tensor(&Device::flex());
    for (number, kind) in kinds.iter().enumerate() {
        let opened = Index::open(&peer.index(number), &Device::flex());
        let index = opened.unwrap_or_else(|e| panic!("{}: {e}", kind.name()));
        let ours = index.search(queries.clone(), K, NPROBE).unwrap();
        agree(&kind.name(), &ours, &peer.answers(number));
        assert_same_bytes(&kind.name(), &index, &peer.index(number));
    }
}

fn assert_same_bytes(name: &str, index: &Index, path: &Path) {
    let mut ours = Vec::new();
    index.write_to(&mut ours).unwrap();
    let theirs = fs::read(path).unwrap();
    let differs = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    assert_eq!((differs, ours.len()), (None, theirs.len()), "{name}: first difference, length");
}
