//! The extractor on its device, and the indexes of its descriptors.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use describe::{BatchRequest, Describer};
use extractor::{
    Extractor, Precision, Precisions, Preprocess,
    weights::{Manifest, Progress},
};
use image_file::path_text;
use index::Index;

use super::installation;
use crate::{
    args::GradientPrecision,
    device::Chosen,
    session::{Session, interrupt, progress},
    side_files::{
        entry_names::{self, Names},
        extractor_record::{ExtractorRecord, Source},
        settled_read::read_settled,
    },
};

/// The extractor in use, on its device.
pub struct LoadedExtractor {
    pub extractor: Extractor,
    pub device: Device,
    pub device_name: String,
    /// True if the device is a GPU with memory of its own.
    pub own_memory: bool,
    /// Model of the manifest, or name of the weights file.
    weights: String,
}

impl LoadedExtractor {
    /// Opens the device and loads the weights, after fetching them if necessary.
    ///
    /// # Errors
    /// If the device cannot be used, or the weights cannot be fetched or read.
    pub fn load(session: &Session) -> Result<Self> {
        Self::load_for(session, GradientPrecision::Single)
    }

    /// Loads an extractor for activation, with a precision of the gradient convolutions.
    ///
    /// # Errors
    /// As those of [`Self::load`].
    pub fn load_for(session: &Session, gradients: GradientPrecision) -> Result<Self> {
        let globals = session.globals();
        let chosen = session.device()?;
        let weights = weights_file(globals.weights.as_deref(), session)?;
        session.detail(|| format!("device {}, weights {}", chosen.name, path_text(&weights)));
        let precisions =
            Precisions { descriptors: globals.descriptor_precision.into(), gradients: gradients.into() };
        if let Some(emulated) = emulated(precisions, &chosen.device) {
            session.note(&format!("this CPU has no {emulated} instructions: it emulates them, which is slower than single precision"));
        }
        let extractor = Extractor::load_in(&weights, &chosen.device, precisions)?;
        session.detail(|| format!("extractor {}", extractor.fingerprint()));
        let weights = model_name(globals.weights.as_deref(), &weights);
        let Chosen { device, name: device_name, own_memory, .. } = chosen;
        Ok(Self { extractor, device, device_name, own_memory, weights })
    }

    /// Replaces the preprocessing.
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.extractor = self.extractor.with_preprocess(preprocess);
        self
    }

    /// Opens an index of descriptors of this extractor: a file, or the bundled index.
    ///
    /// # Errors
    /// If the index cannot be read, or comes from another extractor.
    pub fn index(&self, path: Option<&Path>, session: &Session) -> Result<Index> {
        let (index, source) = match path {
            Some(path) => (Index::open(path, &self.device)?, Source::index(path)?),
            None => {
                let record = Some(ExtractorRecord::parse(installation::INDEX_RECORD)?);
                let source = Source { name: "the bundled index".to_owned(), record };
                (Index::from_bytes(installation::INDEX, &self.device)?, source)
            }
        };
        source.check(&Source::weights(self.record()), session)?;
        Ok(index)
    }

    /// Opens an index, and reads the names of its entries.
    ///
    /// # Errors
    /// As those of [`Self::index`]; if the names cannot be read.
    pub fn index_with_names(&self, path: &Path, session: &Session) -> Result<(Index, Names)> {
        read_settled(path, session, || {
            let index = self.index(Some(path), session)?;
            let names = entry_names::of_entries(path, index.ntotal())?;
            Ok((index, names))
        })
    }

    /// Opens several indexes, or the bundled index if `paths` is empty.
    ///
    /// # Errors
    /// If one of them cannot be opened.
    pub fn indexes(&self, paths: &[PathBuf], session: &Session) -> Result<Vec<Index>> {
        if paths.is_empty() {
            return Ok(vec![self.index(None, session)?]);
        }
        paths.iter().map(|path| self.index(Some(path), session)).collect()
    }

    /// Returns the record of descriptors of this extractor.
    pub fn record(&self) -> ExtractorRecord {
        let Preprocess { size, resize, .. } = self.extractor.preprocess();
        ExtractorRecord::new(self.extractor.fingerprint(), self.weights.clone(), size, resize)
    }

    /// Returns a describer that uses this extractor.
    pub fn describer(&self, batch: BatchRequest) -> Describer<'_> {
        Describer::new(&self.extractor, batch, self.own_memory)
    }
}

/// Returns a requested precision that the CPU emulates.
fn emulated(Precisions { descriptors, gradients }: Precisions, device: &Device) -> Option<Precision> {
    let wanted = [descriptors, gradients].into_iter();
    wanted.filter(|_| *device == Device::flex()).find(|precision| !precision.is_native())
}

/// Returns the name of the weights for records: the model of the manifest, or the name of the file.
fn model_name(named: Option<&str>, file: &Path) -> String {
    match named {
        Some(name) if Path::new(name).is_file() => path_text(Path::new(file.file_name().unwrap_or_default())),
        Some(name) => name.to_owned(),
        None => Manifest::bundled().default_model().name.clone(),
    }
}

/// Returns the path of the weights: a file as named, or a model of the manifest, after fetching it if necessary.
fn weights_file(name: Option<&str>, session: &Session) -> Result<PathBuf> {
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
    let file = model.fetch(&installation::weights_folder()?, &mut |event| match event {
        Progress::Fetching { bytes, total, .. } => {
            bar.set_length(total.unwrap_or(bytes));
            bar.set_position(bytes);
        }
        Progress::Failed(error) => bar.suspend(|| session.note(&format!("{error}; trying the next source"))),
        Progress::Trusted { file, sha256 } => bar.suspend(|| {
            session.note(&format!(
                "{}: the source publishes no hash; later downloads must have {sha256}",
                path_text(file)
            ));
        }),
    });
    bar.finish_and_clear();
    Ok(file?)
}
