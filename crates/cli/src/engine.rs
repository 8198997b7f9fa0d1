//! The parts that most verbs need: device, extractor, index.

use std::path::Path;

use activate::{Extractor, describe_prepared};
use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;
use image_file::{Pixels, Reader};
use index::Index;
use sscd::{Preprocess, Sscd, weights::Manifest};

use crate::{args::Globals, bundled, device, interrupt, output::Output, progress};

/// Images that go through the network together.
const BATCH: usize = 8;
/// Pixels of the largest input of the network: its first layer holds 64 bytes for each.
const MAX_INPUT: usize = 1 << 23;

/// An extractor on its device.
pub struct Engine {
    pub sscd: Sscd,
    pub device: Device,
    pub device_name: &'static str,
}

impl Engine {
    /// Picks the device and loads the weights, fetched first where they are missing.
    pub fn start(globals: &Globals, output: &Output) -> Result<Self> {
        let chosen = device::choose(&globals.device)?;
        let weights = weights_file(globals.weights.as_deref())?;
        output.detail(|| format!("device {}, weights {}", chosen.name, weights.display()));
        let sscd = Sscd::load(&weights, &chosen.device)?;
        Ok(Self { sscd, device: chosen.device, device_name: chosen.name })
    }

    /// The same with other preprocessing.
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.sscd = self.sscd.with_preprocess(preprocess);
        self
    }

    /// Opens an index, the bundled one where none is named.
    pub fn index(&self, path: Option<&Path>) -> Result<Index> {
        Ok(match path {
            Some(path) => Index::open(path, &self.device)?,
            None => Index::from_bytes(bundled::INDEX, &self.device)?,
        })
    }

    /// The network's input for an image.
    pub fn prepare(&self, pixels: &Pixels) -> Result<Tensor<4>> {
        let (width, height) = pixels.dimensions();
        let [h, w] = self.sscd.preprocess().output(height as usize, width as usize);
        ensure!(
            h.saturating_mul(w) <= MAX_INPUT,
            "would be resized to {w} x {h} pixels, use --resize stretch"
        );
        // At this size already, pixels are only normalised.
        let small = TensorData::new(pixels.resampled(w, h), [1, 3, h, w]);
        Ok(self.sscd.prepare(Tensor::from_data(small, &self.device)))
    }

    /// The same for an image file.
    pub fn prepare_file(&self, reader: &Reader, path: &Path) -> Result<(Tensor<4>, Vec<String>)> {
        let picture = reader.open(path)?;
        Ok((self.prepare(&picture.pixels)?, picture.notes))
    }

    /// Descriptors `[n, d]` of images of any sizes.
    pub fn describe(&self, images: &[&RgbImage]) -> Result<Tensor<2>> {
        let prepare = |image: &&RgbImage| self.prepare(&Pixels::Eight((*image).clone()));
        let inputs = images.iter().map(prepare).collect::<Result<_>>()?;
        Ok(describe_prepared(&self.sscd, inputs))
    }

    /// The same for many images, in batches.
    pub fn describe_batches(&self, images: &[&RgbImage]) -> Result<Tensor<2>> {
        let parts = images.chunks(BATCH).map(|images| self.describe(images)).collect::<Result<Vec<_>>>()?;
        ensure!(!parts.is_empty(), "no images to describe");
        Ok(Tensor::cat(parts, 0))
    }
}

/// A file as it is named, or a model of the manifest from the cache.
fn weights_file(name: Option<&str>) -> Result<std::path::PathBuf> {
    if let Some(file) = name.map(Path::new).filter(|path| path.is_file()) {
        return Ok(file.to_owned());
    }
    let manifest = Manifest::bundled();
    let model = match name {
        Some(name) => manifest.model(name)?,
        None => manifest.default_model(),
    };
    let bar = progress::bytes(model.source.bytes, format!("fetching {}", model.name));
    let _held = interrupt::hold_off();
    let file = model.fetch(&bundled::weights_folder()?, &mut |p| bar.set_position(p.bytes));
    bar.finish_and_clear();
    Ok(file?)
}
