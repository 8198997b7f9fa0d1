//! Inputs of the network to descriptors, as many together as the device has room for.

use std::time::{Duration, Instant};

use activate::describe_prepared;
use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use extractor::transfer::{download, upload};
use image::RgbImage;
use image_file::Pixels;

use crate::{
    engine::Engine,
    together::{Batch, Sizes, Together},
};

/// Inputs that are described together.
const SIZES: Sizes = Sizes { small: 8, first: 32, most: 128 };

/// Describes batch after batch; what it learns of the device's memory it keeps.
pub struct Describer<'a> {
    engine: &'a Engine,
    together: Together,
    /// Time in the network.
    pub network: Duration,
    /// Descriptors that the network made.
    pub described: usize,
}

impl<'a> Describer<'a> {
    pub fn new(engine: &'a Engine, batch: Batch) -> Self {
        let together = Together::new(batch, engine.own_memory, SIZES);
        Self { engine, together, network: Duration::ZERO, described: 0 }
    }

    /// How many inputs are worth waiting for.
    pub fn size(&self) -> usize {
        self.together.size()
    }

    /// The descriptor of each input, on the host: what does not fit on a device shows when it is read.
    pub fn describe(&mut self, inputs: &[Tensor<4>]) -> Result<Vec<Vec<f32>>> {
        let started = Instant::now();
        let extractor = &self.engine.extractor;
        let mut through = |inputs: &[Tensor<4>]| {
            let descriptors = describe_prepared(extractor, inputs.to_vec());
            let [_, d] = descriptors.dims();
            let values = download(descriptors).map_err(activate::Error::from)?;
            Ok(values.chunks_exact(d).map(<[f32]>::to_vec).collect())
        };
        let rows = self.together.work(inputs, &mut through).into_iter().collect::<Result<_>>()?;
        self.network += started.elapsed();
        self.described += inputs.len();
        Ok(rows)
    }

    /// Descriptors `[n, d]` of images of any sizes, one at least.
    pub fn images(&mut self, images: &[&RgbImage]) -> Result<Tensor<2>> {
        let mut rows = Vec::with_capacity(images.len());
        while let Some(left) = images.get(rows.len()..).filter(|left| !left.is_empty()) {
            let prepare = |image: &&RgbImage| self.engine.prepare(&Pixels::Eight((*image).clone()));
            let inputs: Vec<_> = left.iter().take(self.size()).map(prepare).collect::<Result<_>>()?;
            rows.extend(self.describe(&inputs)?);
        }
        stacked(&rows, &self.engine.device).context("no images to describe")
    }
}

/// Descriptors as rows of a tensor, `None` where there are none.
///
/// # Shapes
/// `n` rows of `d` -> `[n, d]`
pub fn stacked(rows: &[Vec<f32>], device: &Device) -> Option<Tensor<2>> {
    let shape = [rows.len(), rows.first()?.len()];
    Some(upload(rows.concat(), shape, device))
}
