//! Small seeded data and indexes.

use active_index_index::{Factory, Index, Metric, TrainConfig};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Dimension of all vectors in the tests.
pub const D: usize = 8;

/// Number of coarse cells of all inverted files in the tests.
pub const NLIST: usize = 4;

/// Kinds that cover every structure of a file.
pub const KINDS: [&str; 50] = [
    "Flat",
    "PQ2x8",
    "PQ2x4",
    "PQ1x9",
    "SQ8",
    "SQ4",
    "SQ6",
    "SQfp16",
    "SQbf16",
    "SQ8_direct",
    "SQ4_uniform",
    "RaBitQ",
    "LSH",
    "LSH6t",
    "LSH12r",
    "LSH16rt",
    "IVF4,Flat",
    "IVF4,PQ2x8",
    "IVF4,PQ2x4",
    "IVF4,PQ2x5",
    "IVF4,SQ8",
    "IVF4,SQ6",
    "IVF4,SQfp16",
    "IVF4,SQ8_uniform",
    "IVF4,SQ8_direct_signed",
    "IVF4,RaBitQ",
    "IVF4,PQ4x4fs",
    "IVF4,PQ1x4fs",
    "IVF4,PQ4x4fsr",
    "IVF4_HNSW4,Flat",
    "HNSW4,Flat",
    "HNSW4,SQ8",
    "HNSW4,PQ2x8",
    "PCA4,HNSW4,SQfp16,RFlat",
    "OPQ2,IVF4,PQ2x8",
    "PCA4,Flat",
    "PCAR4,PQ2x8",
    "RR8,Flat",
    "RR12,LSH",
    "L2norm,IVF4,Flat",
    "Flat,RFlat",
    "IVF4,PQ2x8,RFlat",
    "IVF4,PQ2x4+4x5",
    "PQ2x4,Refine(SQ8)",
    "IVF4,PQ2x4,Refine(PQ4x5)",
    "IDMap,Flat",
    "IDMap2,IVF4,PQ2x4",
    "PCA4,IDMap,SQ8",
    "IDMap,LSH6t",
    "IDMap2,IVF4,PQ2x4,RFlat",
];

/// Kinds whose distances are those between the query and the decoded codes.
pub const DECODED_KINDS: [&str; 20] = [
    "Flat",
    "PQ2x8",
    "PQ2x4",
    "PQ1x9",
    "SQ8",
    "SQ4",
    "SQ6",
    "SQfp16",
    "SQbf16",
    "SQ4_uniform",
    "IVF4,Flat",
    "IVF4,PQ2x8",
    "IVF4,PQ2x4",
    "IVF4,PQ2x5",
    "IVF4,SQ8",
    "IVF4,SQ6",
    "IVF4,SQfp16",
    "IVF4,SQ8_uniform",
    "IVF4_HNSW4,Flat",
    "Flat,RFlat",
];

/// Kinds that reconstruct vectors exactly.
pub const EXACT_KINDS: [&str; 6] =
    ["Flat", "IVF4,Flat", "IVF4_HNSW4,Flat", "Flat,RFlat", "IVF4,PQ2x8,RFlat", "IDMap,Flat"];

pub const METRICS: [Metric; 2] = [Metric::L2, Metric::InnerProduct];

/// Pairs of the given kinds and every metric they support; LSH and `PQ{m}+{r}` support only L2.
pub fn under_metrics(kinds: &[&'static str]) -> impl Iterator<Item = (&'static str, Metric)> {
    let all = kinds.iter().flat_map(|&kind| METRICS.map(|metric| (kind, metric)));
    all.filter(|(kind, metric)| *metric == Metric::L2 || !kind.contains("LSH") && !kind.contains('+'))
}

/// Returns true if the kind has cells.
pub fn is_inverted(kind: &str) -> bool {
    kind.contains("IVF")
}

/// Returns true if the kind accepts caller-supplied ids; those of re-ranking are positions even with cells.
pub fn takes_ids(kind: &str) -> bool {
    kind.contains("IDMap") || is_inverted(kind) && !is_refined(kind)
}

/// Returns true if the kind ranks its candidates again.
pub fn is_refined(kind: &str) -> bool {
    kind.contains("Refine") || kind.contains("RFlat") || kind.contains('+')
}

/// Returns true if entries of the kind can be in several lists.
pub fn takes_lists(kind: &str) -> bool {
    takes_ids(kind) && !kind.contains("IDMap")
}

/// `n` rows of [`D`] uniform values in -1..1.
pub fn rows(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n * D).map(|_| rng.random_range(-1.0..1.0)).collect()
}

pub fn tensor(rows: &[f32]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len() / D, D]), &Device::flex())
}

pub fn vectors(n: usize, seed: u64) -> Tensor<2> {
    tensor(&rows(n, seed))
}

pub fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

pub fn factory(kind: &str) -> Factory {
    kind.parse().expect("a factory string")
}

pub fn config(metric: Metric) -> TrainConfig {
    TrainConfig { metric, iterations: 5, ..TrainConfig::default() }
}

/// Trained index without vectors.
pub fn empty(kind: &str, metric: Metric) -> Index {
    Index::train(&factory(kind), vectors(600, 1), &config(metric)).expect("trains")
}

/// Trained index with `vectors(n, 2)`.
pub fn filled(kind: &str, metric: Metric, n: usize) -> Index {
    let mut index = empty(kind, metric);
    index.add(vectors(n, 2)).expect("adds");
    index
}

pub fn bytes(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).expect("writes to memory");
    bytes
}

pub fn from_bytes(bytes: &[u8]) -> active_index_index::Result<Index> {
    Index::from_bytes(bytes, &Device::flex())
}
