//! What is measured of a device.

use std::{path::Path, time::Instant};

use activate::{Activator, Settings};
use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor};
use extractor::Extractor;
use index::{Index, Target, TrainConfig};

/// Edge of the network's input, and length of a descriptor.
const SIZE: usize = 288;
const D: usize = 512;
/// Passes in a row, so that the device is not waited for after each; `torch_device.py` has the same number.
const IN_A_ROW: usize = 5;
/// What indexes are measured.
const FACTORY: &str = "IVF4096,PQ8x8";
const NPROBE: usize = 16;

/// What is measured.
#[derive(Clone, Copy)]
pub enum Work {
    Describe {
        batch: usize,
    },
    /// Ten steps on images of `side` x `side`.
    Activate {
        batch: usize,
        side: usize,
    },
    Train {
        vectors: usize,
    },
    Search {
        vectors: usize,
        queries: usize,
    },
}

/// The network and an index on a device.
pub struct Side {
    device: Device,
    extractor: Extractor,
    index: Index,
}

impl Side {
    pub fn new(root: &Path, weights: &Path, device: Device) -> Result<Self> {
        let extractor = Extractor::load(weights, &device)?;
        let index = Index::open(&root.join("weights/default.faiss"), &device)?;
        Ok(Self { device, extractor, index })
    }

    /// Seconds.
    pub fn measure(&self, work: &Work) -> Result<f64> {
        match *work {
            Work::Describe { batch } => self.describe(batch),
            Work::Activate { batch, side } => self.activate(batch, side),
            Work::Train { vectors } => Ok(self.train(vectors)?.1),
            Work::Search { vectors, queries } => self.search(vectors, queries),
        }
    }

    /// Of one pass.
    fn describe(&self, batch: usize) -> Result<f64> {
        let input = self.random([batch, 3, SIZE, SIZE]);
        self.device.sync()?;
        let started = Instant::now();
        let passes: Vec<_> = (0..IN_A_ROW).map(|_| self.extractor.describe(input.clone())).collect();
        drop(Tensor::cat(passes, 0).try_into_data()?);
        Ok(started.elapsed().as_secs_f64() / IN_A_ROW as f64)
    }

    fn activate(&self, batch: usize, side: usize) -> Result<f64> {
        let images: Vec<_> = (0..batch).map(|_| self.random([1, 3, side, side]).clamp(0.0, 1.0)).collect();
        let activator = Activator::new(&self.extractor, &self.index, Settings::paper())?;
        let target = self.index.target(self.random([batch, D]), Target::Reconstruction)?;
        self.device.sync()?;
        let started = Instant::now();
        let changed = activator.optimise(&images, &target, None, &mut |_| ())?;
        self.device.sync()?;
        let seconds = started.elapsed().as_secs_f64();
        drop(changed);
        Ok(seconds)
    }

    fn train(&self, vectors: usize) -> Result<(Index, f64)> {
        let (vectors, config) = (self.random([vectors, D]), TrainConfig::default());
        self.device.sync()?;
        let started = Instant::now();
        let index = Index::train(&FACTORY.parse()?, vectors, &config)?;
        Ok((index, started.elapsed().as_secs_f64()))
    }

    /// Of the second search: the first takes entries to the device.
    fn search(&self, vectors: usize, queries: usize) -> Result<f64> {
        let (mut index, _) = self.train(vectors.min(40_960))?;
        index.add(self.random([vectors, D]))?;
        let queries = self.random([queries, D]);
        index.search(queries.clone().narrow(0, 0, 1), 10, NPROBE)?;
        let started = Instant::now();
        index.search(queries, 10, NPROBE)?;
        Ok(started.elapsed().as_secs_f64())
    }

    fn random<const N: usize>(&self, shape: [usize; N]) -> Tensor<N> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &self.device)
    }
}

impl Work {
    pub fn name(self) -> String {
        match self {
            Self::Describe { batch } => format!("describe, batch {batch}, images/s"),
            Self::Activate { batch, side } => format!("activate, batch {batch}, {side} x {side}, images/s"),
            Self::Train { vectors } => format!("train {FACTORY} on {vectors}, s"),
            Self::Search { vectors, queries } => {
                format!("{queries} queries in {vectors}, nprobe {NPROBE}, s")
            }
        }
    }

    /// As the table has it: images a second, or seconds.
    pub fn cell(self, seconds: Option<f64>) -> String {
        let figure = seconds.map(|seconds| match self {
            Self::Describe { batch } | Self::Activate { batch, .. } => batch as f64 / seconds,
            Self::Train { .. } | Self::Search { .. } => seconds,
        });
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
    }

    /// PyTorch has networks, faiss has indexes.
    pub fn is_known_to(self, peer: &str) -> bool {
        matches!(self, Self::Train { .. } | Self::Search { .. }) == (peer == "faiss")
    }

    /// What the peer's process reads.
    pub fn request(self, peer: &str) -> String {
        match self {
            Self::Describe { batch } => format!("describe {peer} {batch}"),
            Self::Activate { batch, side } => format!("activate {peer} {batch} {side}"),
            Self::Train { vectors } => format!("train {peer} {vectors}"),
            Self::Search { vectors, queries } => format!("search {peer} {vectors} {queries}"),
        }
    }
}
