//! Network inputs to descriptors, in batches that fit the device.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use device_math::transfer::download;
use extractor::{Extractor, describe_prepared};

use crate::{
    batch_size::{AutoSizes, BatchRequest, BatchSize},
    error::{Error, Result},
};

/// Inputs of the network that are described at once.
const SIZES: AutoSizes = AutoSizes { shared: 8, first: 32, most: 128 };

/// Runs an extractor on batches of images, and remembers the batch size that fits its device.
#[derive(Debug)]
pub struct Describer<'a> {
    extractor: &'a Extractor,
    batch: BatchSize,
    /// Time spent in the network.
    pub network: Duration,
    /// Number of descriptors the network computed.
    pub described: usize,
}

impl<'a> Describer<'a> {
    /// Creates a describer. `own_memory` tells whether the device is a GPU with memory of its own, on which
    /// [`BatchRequest::Auto`] starts larger and grows.
    pub fn new(extractor: &'a Extractor, request: BatchRequest, own_memory: bool) -> Self {
        let batch = BatchSize::new(request, own_memory, SIZES);
        Self { extractor, batch, network: Duration::ZERO, described: 0 }
    }

    /// Returns the extractor in use.
    pub fn extractor(&self) -> &'a Extractor {
        self.extractor
    }

    /// Returns the number of inputs that fill a batch.
    pub fn batch_size(&self) -> usize {
        self.batch.get()
    }

    /// Computes descriptors `[n][d]` of prepared images, see [`crate::network_input`]. They are read to the host, where a lack
    /// of device memory shows.
    ///
    /// # Shapes
    /// `n` inputs `[1, 3, h, w]` in [0, 1], of any sizes
    ///
    /// # Errors
    /// [`Error::Device`] for an input that fails alone, too.
    pub fn describe(&mut self, inputs: &[Tensor<4>]) -> Result<Vec<Vec<f32>>> {
        let started = Instant::now();
        let mut forward = |inputs: &[Tensor<4>]| -> Result<Vec<Vec<f32>>> {
            let descriptors = describe_prepared(self.extractor, inputs.to_vec());
            let [_, d] = descriptors.dims();
            Ok(download(descriptors)?.chunks_exact(d).map(<[f32]>::to_vec).collect())
        };
        let rows = self.batch.run(inputs, &mut forward, Error::is_out_of_memory);
        let rows = rows.into_iter().collect::<Result<_>>()?;
        self.network += started.elapsed();
        self.described += inputs.len();
        Ok(rows)
    }
}
