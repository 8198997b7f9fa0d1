//! Measured work of a device.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use activate::{Activator, Settings};
use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use extractor::{Extractor, Precision, Precisions, Preprocess};
use index::{Index, Target, TrainConfig};

/// Consecutive passes, so that the host does not wait after each; `torch_device.py` has the same number.
const IN_A_ROW: usize = 5;
/// Dimension of the vectors of the measured indexes.
const D: usize = 512;
const FACTORY: &str = "IVF4096,PQ8x8";
const NPROBE: usize = 16;

/// Measured quantity.
#[derive(Clone, Copy)]
pub enum Work {
    Describe {
        batch: usize,
    },
    /// The paper's method on images of `side` x `side`.
    Activate {
        batch: usize,
        side: usize,
        steps: usize,
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
    pub device: Device,
    pub has_gradients: bool,
    extractor: Extractor,
    index: Index,
}

impl Side {
    /// Loads the network in a precision, and trains `IVF256,PQ8` on random vectors.
    pub fn new(weights: &Path, size: usize, device: &Device, precision: Precision) -> Result<Self> {
        let has_gradients = precision != Precision::F16;
        let gradients = if has_gradients { precision } else { Precision::Single };
        let precisions = Precisions { descriptors: precision, gradients };
        let extractor = Extractor::load_in(weights, device, precisions)?;
        let preprocess = Preprocess { size, ..extractor.preprocess() };
        let extractor = extractor.with_preprocess(preprocess);
        let d = extractor.dimension();
        let pieces = (1..=8).rev().find(|m| d.is_multiple_of(*m)).unwrap_or(1);
        let vectors = Tensor::random([10_240, d], Distribution::Normal(0.0, 1.0), &Device::flex());
        let trained = Index::train(&format!("IVF256,PQ{pieces}").parse()?, vectors, &TrainConfig::default())?;
        let mut bytes = Vec::new();
        trained.write_to(&mut bytes)?;
        let index = Index::from_bytes(&bytes, device)?;
        Ok(Self { index, device: device.clone(), has_gradients, extractor })
    }

    /// Largest difference of a descriptor component and least cosine, for images of waves.
    pub fn differs_from(&self, other: &Self) -> Result<[f64; 2]> {
        let size = self.extractor.preprocess().size;
        let wave = |i: usize| {
            let (image, y, x) = (i / (3 * size * size), i / size % size, i % size);
            let phase = (i / (size * size) % 3) as f64 + image as f64;
            ((x as f64 * (0.02 + 0.03 * image as f64)).sin() * (y as f64 * 0.05 + phase).cos()) as f32 * 2.0
        };
        let input: Vec<f32> = (0..4 * 3 * size * size).map(wave).collect();
        let describe = |side: &Self| -> Result<Vec<f32>> {
            let input = TensorData::new(input.clone(), [4, 3, size, size]);
            let described = side.extractor.describe(Tensor::from_data(input, &side.device));
            Ok(described.try_into_data()?.try_into_vec_as()?)
        };
        let (found, expected) = (describe(self)?, describe(other)?);
        let largest = found.iter().zip(&expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        let d = self.extractor.dimension();
        let cosine = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let cosines = found.chunks(d).zip(expected.chunks(d)).map(cosine);
        Ok([largest, cosines.fold(f64::INFINITY, f64::min)])
    }

    /// Duration of a work in seconds.
    pub fn measure(&self, work: &Work) -> Result<f64> {
        match *work {
            Work::Describe { batch } => self.describe(batch),
            Work::Activate { batch, side, steps } => {
                let settings = Settings { iterations: steps, ..Settings::paper() };
                Ok(self.activate(settings, batch, side)?.as_secs_f64())
            }
            Work::Train { vectors } => Ok(self.train(vectors)?.1),
            Work::Search { vectors, queries } => self.search(vectors, queries),
        }
    }

    /// Duration of one pass in seconds.
    fn describe(&self, batch: usize) -> Result<f64> {
        let size = self.extractor.preprocess().size;
        let input = self.random([batch, 3, size, size]);
        self.device.sync()?;
        let started = Instant::now();
        let passes: Vec<_> = (0..IN_A_ROW).map(|_| self.extractor.describe(input.clone())).collect();
        drop(Tensor::cat(passes, 0).try_into_data()?);
        Ok(started.elapsed().as_secs_f64() / IN_A_ROW as f64)
    }

    /// Duration of an optimisation, from the first step to the last pixel, in seconds.
    pub fn activate(&self, settings: Settings, batch: usize, side: usize) -> Result<Duration> {
        let images: Vec<_> = (0..batch).map(|_| self.random([1, 3, side, side]).clamp(0.0, 1.0)).collect();
        let activator = Activator::new(&self.extractor, &self.index, settings)?;
        let descriptors = self.random([batch, self.extractor.dimension()]);
        let target = self.index.target(descriptors, Target::Reconstruction)?;
        self.device.sync()?;
        let started = Instant::now();
        let changed = activator.optimise(&images, &target, None, &mut |_| ())?;
        self.device.sync()?;
        let taken = started.elapsed();
        drop(changed);
        Ok(taken)
    }

    fn train(&self, vectors: usize) -> Result<(Index, f64)> {
        let (vectors, config) = (self.random([vectors, D]), TrainConfig::default());
        self.device.sync()?;
        let started = Instant::now();
        let index = Index::train(&FACTORY.parse()?, vectors, &config)?;
        Ok((index, started.elapsed().as_secs_f64()))
    }

    /// Duration of the second search in seconds; the first one uploads the entries.
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
    /// Returns true if the work computes gradients.
    pub fn is_differentiated(self) -> bool {
        matches!(self, Self::Activate { .. })
    }

    pub fn name(self) -> String {
        match self {
            Self::Describe { batch } => format!("describe, batch {batch}"),
            Self::Activate { batch, side, steps } => {
                format!("activate, batch {batch}, {side} x {side}, {steps} steps")
            }
            Self::Train { vectors } => format!("train {FACTORY} on {vectors}"),
            Self::Search { vectors, queries } => {
                format!("{queries} queries in {vectors}, nprobe {NPROBE}")
            }
        }
    }

    /// Images that go through the network together.
    pub fn batch(self) -> usize {
        match self {
            Self::Describe { batch } | Self::Activate { batch, .. } => batch,
            Self::Train { .. } | Self::Search { .. } => 0,
        }
    }

    /// Request to the peer's process.
    pub fn request(self, peer: &str) -> String {
        match self {
            Self::Describe { batch } => format!("describe {peer} {batch}"),
            Self::Activate { batch, side, steps } => format!("activate {peer} {batch} {side} {steps}"),
            Self::Train { vectors } => format!("train {peer} {vectors}"),
            Self::Search { vectors, queries } => format!("search {peer} {vectors} {queries}"),
        }
    }
}
