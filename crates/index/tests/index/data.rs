//! Small seeded data and indexes.

use burn::tensor::{Device, Tensor, TensorData};
use index::{Factory, Index, Metric, TrainConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Dimension of all vectors here.
pub const D: usize = 8;

pub const KINDS: [&str; 3] = ["Flat", "IVF4,Flat", "IVF4,PQ2x8"];
pub const METRICS: [Metric; 2] = [Metric::L2, Metric::InnerProduct];

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

/// A trained index without vectors.
pub fn empty(kind: &str, metric: Metric) -> Index {
    Index::train(&factory(kind), vectors(400, 1), &config(metric)).expect("trains")
}

/// An index over `vectors(n, 2)`.
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

pub fn from_bytes(bytes: &[u8]) -> index::Result<Index> {
    Index::from_bytes(bytes, &Device::flex())
}
