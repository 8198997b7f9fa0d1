//! The parts that most verbs need: device, extractor, index.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use describe::{BatchRequest, Describer};
use extractor::{
    Extractor, Precision, Precisions, Preprocess,
    weights::{Manifest, Progress},
};
use index::Index;

use crate::{
    args::{Globals, GradientPrecision},
    bundled, device, interrupt,
    output::{Output, SCHEMA},
    progress,
    provenance::{Known, Provenance},
};

/// An extractor on its device.
pub struct Engine {
    pub extractor: Extractor,
    pub device: Device,
    pub device_name: String,
    /// Whether the device is a GPU with memory of its own.
    pub own_memory: bool,
    /// The model of the manifest, or the name of the weights file.
    weights: String,
}

impl Engine {
    /// Picks the device and loads the weights, fetched first where they are missing.
    pub fn start(globals: &Globals, output: &Output) -> Result<Self> {
        Self::start_for(globals, GradientPrecision::Single, output)
    }

    /// The same for activation, whose gradients multiply in a precision.
    pub fn start_for(globals: &Globals, gradients: GradientPrecision, output: &Output) -> Result<Self> {
        let chosen = device::choose(&globals.device, output)?;
        let weights = weights_file(globals.weights.as_deref(), output)?;
        output.detail(|| format!("device {}, weights {}", chosen.name, weights.display()));
        let precisions =
            Precisions { descriptors: globals.descriptor_precision.into(), gradients: gradients.into() };
        if let Some(emulated) = emulated(precisions, &chosen.device) {
            output.note(&format!("this CPU has no products of {emulated}: it rounds as a GPU would, slower than in single precision"));
        }
        let extractor = Extractor::load_in(&weights, &chosen.device, precisions)?;
        output.detail(|| format!("extractor {}", extractor.fingerprint()));
        let weights = model_name(globals.weights.as_deref(), &weights);
        let device::Chosen { device, name: device_name, own_memory } = chosen;
        Ok(Self { extractor, device, device_name, own_memory, weights })
    }

    /// The same with other preprocessing.
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.extractor = self.extractor.with_preprocess(preprocess);
        self
    }

    /// Opens an index, the bundled one where none is named, of descriptors of this extractor.
    pub fn index(&self, path: Option<&Path>, output: &Output) -> Result<Index> {
        let (index, known) = match path {
            Some(path) => (Index::open(path, &self.device)?, Known::index(path)?),
            None => {
                let provenance = Some(Provenance::parse(bundled::INDEX_PROVENANCE)?);
                let known = Known { place: "the bundled index".to_owned(), provenance };
                (Index::from_bytes(bundled::INDEX, &self.device)?, known)
            }
        };
        known.check(&Known::weights(self.provenance()), output)?;
        Ok(index)
    }

    /// Opens indexes, the bundled one where none is named.
    pub fn indexes(&self, paths: &[PathBuf], output: &Output) -> Result<Vec<Index>> {
        if paths.is_empty() {
            return Ok(vec![self.index(None, output)?]);
        }
        paths.iter().map(|path| self.index(Some(path), output)).collect()
    }

    /// What descriptors of this extractor are recorded as.
    pub fn provenance(&self) -> Provenance {
        let Preprocess { size, resize, .. } = self.extractor.preprocess();
        let (fingerprint, weights) = (self.extractor.fingerprint(), self.weights.clone());
        Provenance { schema: SCHEMA, fingerprint, weights, size, resize, any_source: false }
    }

    /// Creates a describer of this extractor.
    pub fn describer(&self, batch: BatchRequest) -> Describer<'_> {
        Describer::new(&self.extractor, batch, self.own_memory)
    }
}

/// What the CPU is asked for and has no products of.
fn emulated(Precisions { descriptors, gradients }: Precisions, device: &Device) -> Option<Precision> {
    let wanted = [descriptors, gradients].into_iter();
    wanted.filter(|_| *device == Device::flex()).find(|precision| !precision.is_native())
}

/// What to call the weights in a record: the model of the manifest, or the name of their file.
fn model_name(named: Option<&str>, file: &Path) -> String {
    match named {
        Some(name) if Path::new(name).is_file() => {
            file.file_name().unwrap_or_default().to_string_lossy().into_owned()
        }
        Some(name) => name.to_owned(),
        None => Manifest::bundled().default_model().name.clone(),
    }
}

/// A file as it is named, or a model of the manifest from the cache.
fn weights_file(name: Option<&str>, output: &Output) -> Result<PathBuf> {
    if let Some(file) = name.map(Path::new).filter(|path| path.is_file()) {
        return Ok(file.to_owned());
    }
    let manifest = Manifest::bundled();
    let model = match name {
        Some(name) => manifest.model(name)?,
        None => manifest.default_model(),
    };
    let bar = progress::bytes(0, format!("fetching {}", model.name));
    let _held = interrupt::hold_off();
    let file = model.fetch(&bundled::weights_folder()?, &mut |event| match event {
        Progress::Fetching { bytes, total, .. } => {
            bar.set_length(total.unwrap_or(bytes));
            bar.set_position(bytes);
        }
        Progress::Failed(error) => bar.suspend(|| output.note(&format!("{error}; trying the next source"))),
        Progress::Trusted { file, sha256 } => bar.suspend(|| {
            output
                .note(&format!("{}: no hash is published; from now on it must be {sha256}", file.display()));
        }),
    });
    bar.finish_and_clear();
    Ok(file?)
}
