//! Small quantisers, descriptors and collections.

use active_index_collection::{Collection, NewEntry};
use burn::tensor::{Device, Tensor, TensorData};
use index::{Index, Metric, TrainConfig};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::place::{FACTORY, Place, SEEN_BY_OTHERS};

/// Dimension of the descriptors.
pub const D: usize = 32;

/// `n` unit vectors near a few directions, `[n * D]`, of a seed.
pub fn descriptors(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut directions = StdRng::seed_from_u64(99);
    let centres: Vec<f32> = (0..20 * D).map(|_| directions.random_range(-1.0..1.0)).collect();
    let mut rows = Vec::with_capacity(n * D);
    for _ in 0..n {
        let centre = rng.random_range(0..20) * D;
        let row: Vec<f32> = (0..D).map(|i| centres[centre + i] + rng.random_range(-0.7..0.7)).collect();
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        rows.extend(row.iter().map(|x| x / length));
    }
    rows
}

/// Rows of dimension `D` as a tensor.
pub fn tensor(rows: &[f32]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len() / D, D]), &Device::flex())
}

/// Empty index of the given kind, trained on [`descriptors`] of seed 1.
pub fn quantiser(factory: &str, metric: Metric) -> Index {
    let config = TrainConfig { metric, ..TrainConfig::default() };
    Index::train(&factory.parse().expect("a kind"), tensor(&descriptors(600, 1)), &config).expect("trains")
}

/// Kind of the witnesses of [`collection`].
pub const KIND: &str = "repeated names";

/// Collection of the usual quantiser in a new place, whose entries may have witnesses.
pub fn collection(place: &Place) -> Collection {
    place.create(&quantiser(FACTORY, Metric::L2), Some(KIND)).expect("creates")
}

/// Waits until what was changed by one process is read by others.
pub fn wait_for_others() {
    std::thread::sleep(SEEN_BY_OTHERS);
}

/// Entries named by their numbers.
pub fn entries(numbers: std::ops::Range<usize>) -> Vec<NewEntry> {
    numbers.map(|number| NewEntry::added(format!("{number}.jpg"), None)).collect()
}

/// Witness of an entry's name: a few bytes, or several pages of the catalogue.
pub fn witness(name: &str) -> Vec<u8> {
    let times = 1 + name.bytes().map(usize::from).sum::<usize>() * 37 % 2000;
    name.as_bytes().repeat(times)
}

/// Entry with the witness of its name.
pub fn with_witness(entry: NewEntry) -> NewEntry {
    NewEntry { witness: Some(witness(&entry.name)), ..entry }
}

/// Findings of a check, in words.
pub fn findings(collection: &Collection) -> Vec<String> {
    let found = collection.check(&mut |_| ()).expect("checks");
    found.into_iter().map(|finding| format!("{}: {}", finding.place, finding.reason)).collect()
}
