//! Stand-ins: for a network, and for the witnesses of a million entries.

use anyhow::{Context, Result};
use burn::tensor::Device;
use collection::{Collection, NewEntry};
use describe::Result as Described;
use device_math::transfer::upload_rows;
use find::{Describe, Witnesses};
use image::RgbImage;
use index::Index;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use witness::{Kind, Witness};

/// Gives each query's views their descriptors without a network.
pub struct StandIn {
    /// Descriptor of the picture as it is, of each query: `[queries][d]`.
    whole: Vec<Vec<f32>>,
    /// Number of the query, and of its views so far.
    query: usize,
    views: usize,
    random: StdRng,
}

impl StandIn {
    /// Queries at a cosine to entries.
    pub fn near(entries: &[(i64, Vec<f32>)], cosine: f32) -> Self {
        let mut random = StdRng::seed_from_u64(7);
        let beside = |(_, entry): &(i64, Vec<f32>)| {
            let entry = unit(entry);
            let other = direction(entry.len(), &mut random);
            let along: f32 = entry.iter().zip(&other).map(|(a, b)| a * b).sum();
            let across: Vec<f32> = other.iter().zip(&entry).map(|(b, a)| b - along * a).collect();
            let across = unit(&across);
            let sine = (1.0 - cosine * cosine).sqrt();
            entry.iter().zip(&across).map(|(a, b)| cosine * a + sine * b).collect()
        };
        let whole = entries.iter().map(beside).collect();
        Self { whole, query: 0, views: 0, random }
    }

    /// Queries in random directions `[d]`.
    pub fn unrelated(queries: usize, d: usize) -> Self {
        let mut random = StdRng::seed_from_u64(8);
        let whole = (0..queries).map(|_| direction(d, &mut random)).collect();
        Self { whole, query: 0, views: 0, random }
    }

    /// Goes on to a query.
    pub fn turn_to(&mut self, query: usize) {
        (self.query, self.views) = (query, 0);
    }
}

impl Describe for StandIn {
    fn describe_views(&mut self, views: &[RgbImage]) -> Described<find::Described> {
        let mut rows = Vec::with_capacity(views.len());
        for _ in views {
            let whole = &self.whole[self.query];
            let row = if self.views == 0 { whole.clone() } else { direction(whole.len(), &mut self.random) };
            self.views += 1;
            rows.push(Ok(row));
        }
        Ok(rows)
    }
}

/// Witnesses of a few photographs that all entries share, read from a collection.
pub struct Shared {
    _folder: tempfile::TempDir,
    collection: Collection,
    photographs: i64,
}

impl Shared {
    /// Stores the witnesses of photographs.
    pub fn new(photographs: &[RgbImage], quantiser: &Index) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("witnesses");
        let collection = Collection::create_with_witnesses(&path, quantiser, &Kind::Keypoints.to_string())?;
        let entry = |(number, picture): (usize, &RgbImage)| {
            let witness = Witness::of(picture, Kind::Keypoints).context("keypoints are kept")?;
            let entry = NewEntry::added(number.to_string(), None);
            Ok(NewEntry { witness: Some(witness.to_bytes()), ..entry })
        };
        let entries = photographs.iter().enumerate().map(entry).collect::<Result<Vec<_>>>()?;
        let mut random = StdRng::seed_from_u64(9);
        let rows: Vec<Vec<f32>> =
            entries.iter().map(|_| direction(collection.description().d, &mut random)).collect();
        let ids: Vec<i64> = (0..entries.len() as i64).collect();
        collection.store_under(&ids, &entries, upload_rows(rows, &Device::flex()))?;
        Ok(Self { _folder: folder, collection, photographs: ids.len() as i64 })
    }

    /// Number of the photograph whose witness an entry has.
    pub fn photograph(&self, id: i64) -> usize {
        (id % self.photographs) as usize
    }
}

impl Witnesses for Shared {
    fn kind(&self) -> Kind {
        Kind::Keypoints
    }

    fn witness(&self, id: i64) -> Option<Witness> {
        self.collection.witness(id % self.photographs)
    }
}

fn direction(d: usize, random: &mut impl Rng) -> Vec<f32> {
    unit(&(0..d).map(|_| (0..4).map(|_| random.random::<f32>() - 0.5).sum()).collect::<Vec<f32>>())
}

fn unit(row: &[f32]) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    row.iter().map(|value| value / length).collect()
}
