//! Small collections, pictures, and a stand-in for the network.

use std::path::Path;

use active_index_find::{Describe, Described};
use burn::tensor::{Device, Tensor, TensorData};
use collection::{Collection, NewEntry};
use image::{Rgb, RgbImage};
use index::{Index, TrainConfig};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Dimension of the descriptors.
pub const D: usize = 256;

/// `n` unit vectors of random directions, of a seed.
pub fn directions(n: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut row = || unit((0..D).map(|_| normal(&mut rng)).collect());
    (0..n).map(|_| row()).collect()
}

/// Normal deviate, as the sum of twelve uniform ones.
fn normal(rng: &mut StdRng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

pub fn unit(row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    row.iter().map(|value| value / length).collect()
}

/// Unit vector whose cosine with `row` is `cosine`; the rest of it is what `other` has beside `row`.
pub fn at_cosine(row: &[f32], other: &[f32], cosine: f32) -> Vec<f32> {
    let product: f32 = row.iter().zip(other).map(|(a, b)| a * b).sum();
    let beside = unit(row.iter().zip(other).map(|(a, b)| b - product * a).collect());
    let rest = (1.0 - cosine * cosine).sqrt();
    row.iter().zip(beside).map(|(a, b)| cosine * a + rest * b).collect()
}

pub fn tensor(rows: &[Vec<f32>]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), D]), &Device::flex())
}

/// Empty index of `IVF16,PQ4x4`.
pub fn quantiser() -> Index {
    let kind = "IVF16,PQ4x4".parse().expect("a kind");
    Index::train(&kind, tensor(&directions(600, 1)), &TrainConfig::default()).expect("trains")
}

/// Collection of the rows under the ids 0, 1, ...
pub fn collection(folder: &Path, rows: &[Vec<f32>]) -> Collection {
    let collection = Collection::create(&folder.join("collection"), &quantiser()).expect("creates");
    let ids: Vec<i64> = (0..rows.len() as i64).collect();
    let entries: Vec<NewEntry> = ids.iter().map(|id| NewEntry::added(format!("{id}.jpg"), None)).collect();
    collection.store_under(&ids, &entries, tensor(rows)).expect("stores");
    collection
}

/// Picture of random rectangles, of a seed.
pub fn picture(seed: u64) -> RgbImage {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut picture = RgbImage::from_pixel(320, 240, Rgb([90, 110, 130]));
    for _ in 0..160 {
        let (x, y) = (rng.random_range(0..300u32), rng.random_range(0..220u32));
        let (w, h) = (rng.random_range(4..40u32), rng.random_range(4..40u32));
        let colour = Rgb([0; 3].map(|_: u8| rng.random::<u8>()));
        for (x, y) in (y..(y + h).min(240)).flat_map(|y| (x..(x + w).min(320)).map(move |x| (x, y))) {
            picture.put_pixel(x, y, colour);
        }
    }
    picture
}

/// Stand-in for a network: any function of the view, whose calls are counted.
pub struct Network<F> {
    pub describe: F,
    /// Views of each call.
    pub calls: Vec<usize>,
}

impl<F: FnMut(&RgbImage) -> Vec<f32>> Network<F> {
    pub fn new(describe: F) -> Self {
        Self { describe, calls: Vec::new() }
    }
}

impl<F: FnMut(&RgbImage) -> Vec<f32>> Describe for Network<F> {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        self.calls.push(views.len());
        Ok(views.iter().map(|view| Ok((self.describe)(view))).collect())
    }
}
