//! Records of extractors: a small file beside descriptors names the extractor that made them, so that descriptors of
//! two extractors are never mixed.
//!
//! Files without a record are accepted as they are, because faiss and other programs write none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use extractor::Resize;
use image_file::path_text;
use serde::{Deserialize, Serialize};

use super::{beside_descriptors, beside_index};
use crate::session::{Session, whole_file::write_whole};

/// Version of the records.
const SCHEMA: u32 = 1;
/// Maximum size of a record.
const MAX_BYTES: u64 = 1 << 16;

/// Record of the extractor that made descriptors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractorRecord {
    schema: u32,
    /// Fingerprint of the weights and the preprocessing.
    pub fingerprint: String,
    /// Model of the manifest, or name of the weights file.
    pub weights: String,
    /// Edge of the network's input, in pixels.
    pub size: usize,
    pub resize: Resize,
    /// True if weights of every source of the model are accepted: their descriptors are close, if not equal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_source: bool,
}

impl std::fmt::Display for ExtractorRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "extractor {}", self.text())
    }
}

impl ExtractorRecord {
    /// Returns the record of an extractor in use.
    pub fn new(fingerprint: String, weights: String, size: usize, resize: Resize) -> Self {
        Self { schema: SCHEMA, fingerprint, weights, size, resize, any_source: false }
    }

    /// Returns fingerprint, weights and preprocessing, for people.
    pub fn text(&self) -> String {
        let resize = match self.resize {
            Resize::Stretch => "stretched",
            Resize::ShortEdge => "short edge",
        };
        format!("{} ({}, {} pixels, {resize})", self.fingerprint, self.weights, self.size)
    }

    /// Returns true if descriptors of the two extractors may be compared.
    pub fn agrees(&self, other: &Self) -> bool {
        let same_model =
            (&self.weights, self.size, self.resize) == (&other.weights, other.size, other.resize);
        self.fingerprint == other.fingerprint || (self.any_source || other.any_source) && same_model
    }

    /// Parses a record.
    ///
    /// # Errors
    /// If the text is malformed or of another schema.
    pub fn parse(text: &str) -> Result<Self> {
        let record: Self = serde_json::from_str(text)?;
        ensure!(record.schema == SCHEMA, "expected schema {SCHEMA}, found {}", record.schema);
        Ok(record)
    }

    /// Returns the text that [`Self::parse`] reads.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_text(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = self.to_text()?;
        write_whole(path, |file| writeln!(file, "{text}"))
    }
}

/// Returns the path of the record of an index: `FILE.faiss.extractor.json`.
pub fn of_index(file: &Path) -> PathBuf {
    beside_index(file, ".extractor.json")
}

/// Returns the path of the record of descriptors: `FILE.extractor.json` for `FILE.npy`.
pub fn of_descriptors(file: &Path) -> PathBuf {
    beside_descriptors(file, "extractor.json")
}

/// A source of descriptors, and its record if there is one.
pub struct Source {
    /// Name of the source, for messages.
    pub name: String,
    pub record: Option<ExtractorRecord>,
}

impl Source {
    /// Reads the record of an index.
    ///
    /// # Errors
    /// If the record is malformed or cannot be read.
    pub fn index(file: &Path) -> Result<Self> {
        Ok(Self { name: path_text(file), record: read(&of_index(file))? })
    }

    /// Reads the record of descriptors.
    ///
    /// # Errors
    /// If the record is malformed or cannot be read.
    pub fn descriptors(file: &Path) -> Result<Self> {
        Ok(Self { name: path_text(file), record: read(&of_descriptors(file))? })
    }

    /// Returns the extractor in use as a source.
    pub fn weights(record: ExtractorRecord) -> Self {
        Self { name: "the extractor in use".to_owned(), record: Some(record) }
    }

    /// Checks that descriptors of two sources may be mixed; those without a record may.
    ///
    /// # Errors
    /// If they come from different extractors; the message names both sources.
    pub fn check(&self, other: &Self, session: &Session) -> Result<()> {
        let unknown = [self, other].into_iter().filter(|source| source.record.is_none());
        unknown.for_each(|source| session.detail(|| format!("{}: has no extractor record", source.name)));
        match (&self.record, &other.record) {
            (Some(a), Some(b)) if !a.agrees(b) => bail!(
                "{} and {} come from different extractors: the first from {a}, the second from {b}",
                self.name,
                other.name
            ),
            _ => Ok(()),
        }
    }
}

/// Reads a record, or returns `None` if there is no file.
fn read(path: &Path) -> Result<Option<ExtractorRecord>> {
    let named = || path_text(path);
    let length = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => bail!("{}: is not a regular file", named()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(named),
    };
    ensure!(length <= MAX_BYTES, "{}: expected at most {MAX_BYTES} bytes, found {length}", named());
    let text = fs::read_to_string(path).with_context(named)?;
    ExtractorRecord::parse(&text).with_context(named).map(Some)
}

/// Writes a record, or removes one that is no longer valid.
///
/// # Errors
/// If the file cannot be written or removed.
pub fn replace(path: &Path, record: Option<&ExtractorRecord>) -> Result<()> {
    match record {
        Some(record) => record.write(path),
        None if path.exists() => fs::remove_file(path).with_context(|| path_text(path)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fingerprint: &str, any_source: bool) -> ExtractorRecord {
        let (weights, resize) = ("sscd_disc_mixup".to_owned(), Resize::Stretch);
        ExtractorRecord {
            schema: 1,
            fingerprint: fingerprint.to_owned(),
            weights,
            size: 288,
            resize,
            any_source,
        }
    }

    #[test]
    fn another_fingerprint_is_another_extractor_unless_any_source_is_accepted() {
        assert!(of("a", false).agrees(&of("a", false)));
        assert!(!of("a", false).agrees(&of("b", false)));
        assert!(of("a", false).agrees(&of("b", true)));
        let larger = ExtractorRecord { size: 320, ..of("b", true) };
        assert!(!of("a", false).agrees(&larger));
    }

    #[test]
    fn records_survive_the_round_trip_and_broken_ones_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = of_descriptors(&folder.path().join("a.npy"));
        assert!(path.ends_with("a.extractor.json"));
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, Some(&of("a", true))).unwrap();
        assert_eq!(read(&path).unwrap(), Some(of("a", true)));
        fs::write(&path, "{}").unwrap();
        assert!(
            crate::session::output::one_line(&read(&path).unwrap_err())
                .contains("a.extractor.json: missing field")
        );
        fs::write(&path, serde_json::to_string(&ExtractorRecord { schema: 2, ..of("a", true) }).unwrap())
            .unwrap();
        assert!(
            crate::session::output::one_line(&read(&path).unwrap_err())
                .ends_with("expected schema 1, found 2")
        );
        replace(&path, None).unwrap();
        replace(&path, None).unwrap();
        assert!(!path.exists());
    }
}
