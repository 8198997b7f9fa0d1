//! Program, extractor and index of an evaluation.

use std::path::Path;

use image_file::path_text;
use index::Index;
use serde::Serialize;

use crate::{inputs::extractor::LoadedExtractor, side_files::extractor_record::ExtractorRecord};

/// Everything needed to repeat an evaluation, beside its files.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    pub version: &'static str,
    pub device: String,
    pub extractor: ExtractorRecord,
    /// Arguments of the program, without its name, by [`path_text`].
    pub arguments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexSettings>,
}

#[derive(Debug, Clone, Serialize)]
pub struct IndexSettings {
    pub file: String,
    pub factory: String,
    pub metric: String,
    pub d: usize,
    /// Number of entries in the file.
    pub ntotal: usize,
}

impl Settings {
    pub fn new(loaded: &LoadedExtractor, index: Option<&Index>, file: Option<&Path>) -> Self {
        let described = |(index, file): (&Index, &Path)| IndexSettings {
            file: path_text(file),
            factory: index.factory().to_string(),
            metric: index.metric().to_string(),
            d: index.d(),
            ntotal: index.ntotal(),
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            device: loaded.device_name.clone(),
            extractor: loaded.record(),
            arguments: std::env::args_os().skip(1).map(|argument| path_text(Path::new(&argument))).collect(),
            index: index.zip(file).map(described),
        }
    }

    /// Returns pairs of a name and a value.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("program", format!("active-index {}", self.version)),
            ("arguments", self.arguments.join(" ")),
            ("extractor", self.extractor.to_string()),
            ("device", self.device.clone()),
        ];
        rows.extend(self.index.iter().flat_map(|index| {
            let IndexSettings { file, factory, metric, d, ntotal } = index;
            let made = format!("{factory}, metric {metric}, dimension {d}, {ntotal} entries in the file");
            [("index", file.clone()), ("index kind", made)]
        }));
        rows
    }
}
