//! Which extractor descriptors are of: a small file beside them, so that two are never mixed.
//!
//! Files without one are taken as they are: faiss and other programs write none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use extractor::Resize;
use serde::{Deserialize, Serialize};

use crate::{
    files::write_whole,
    output::{Output, SCHEMA},
};

/// A longer file is none of ours.
const MAX_BYTES: u64 = 1 << 16;

/// What made descriptors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    pub schema: u32,
    /// That of the weights and the preprocessing.
    pub fingerprint: String,
    /// A model of the manifest, or the name of a file.
    pub weights: String,
    /// Edge of the network's input, in pixels.
    pub size: usize,
    pub resize: Resize,
    /// Whether weights of every source of that model will do: their descriptors are close, if not equal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_source: bool,
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let resize = match self.resize {
            Resize::Stretch => "stretched",
            Resize::ShortEdge => "short edge",
        };
        write!(f, "extractor {} ({}, {} pixels, {resize})", self.fingerprint, self.weights, self.size)
    }
}

impl Provenance {
    /// Whether descriptors of the two may be compared.
    fn agrees(&self, other: &Self) -> bool {
        let same_model =
            (&self.weights, self.size, self.resize) == (&other.weights, other.size, other.resize);
        self.fingerprint == other.fingerprint || (self.any_source || other.any_source) && same_model
    }

    /// Reads a record that is in memory.
    pub fn parse(text: &str) -> Result<Self> {
        let record: Self = serde_json::from_str(text)?;
        ensure!(record.schema == SCHEMA, "schema {}, expected {SCHEMA}", record.schema);
        Ok(record)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self)?;
        write_whole(path, |file| writeln!(file, "{text}"))
    }
}

/// Where the record of an index is: `FILE.faiss.extractor.json`.
pub fn of_index(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".extractor.json");
    name.into()
}

/// Where the record of descriptors is: `FILE.extractor.json` for `FILE.npy`.
pub fn of_descriptors(file: &Path) -> PathBuf {
    file.with_extension("extractor.json")
}

/// Descriptors somewhere, and what made them, where that is known.
pub struct Known {
    /// What holds them, for a sentence.
    pub place: String,
    pub provenance: Option<Provenance>,
}

impl Known {
    /// Of an index in a file.
    pub fn index(file: &Path) -> Result<Self> {
        Ok(Self { place: file.display().to_string(), provenance: read(&of_index(file))? })
    }

    /// Of descriptors in a file.
    pub fn descriptors(file: &Path) -> Result<Self> {
        Ok(Self { place: file.display().to_string(), provenance: read(&of_descriptors(file))? })
    }

    /// Of weights that are in use.
    pub fn weights(provenance: Provenance) -> Self {
        Self { place: "the extractor in use".to_owned(), provenance: Some(provenance) }
    }

    /// # Errors
    /// If descriptors of the two must not be mixed; it names both.
    pub fn check(&self, other: &Self, output: &Output) -> Result<()> {
        let unknown = [self, other].into_iter().filter(|known| known.provenance.is_none());
        unknown.for_each(|known| output.detail(|| format!("{}: no extractor is recorded", known.place)));
        match (&self.provenance, &other.provenance) {
            (Some(a), Some(b)) if !a.agrees(b) => bail!(
                "{} and {} do not go together: the first is of {a}, the second of {b}",
                self.place,
                other.place
            ),
            _ => Ok(()),
        }
    }
}

/// `None` where there is no record.
fn read(path: &Path) -> Result<Option<Provenance>> {
    let named = || path.display().to_string();
    let length = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => bail!("{}: is no regular file", named()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(named),
    };
    ensure!(length <= MAX_BYTES, "{}: {length} bytes, expected at most {MAX_BYTES}", named());
    let text = fs::read_to_string(path).with_context(named)?;
    Provenance::parse(&text).with_context(named).map(Some)
}

/// Writes a record, or takes away one that holds no longer.
pub fn replace(path: &Path, provenance: Option<&Provenance>) -> Result<()> {
    match provenance {
        Some(provenance) => provenance.write(path),
        None if path.exists() => fs::remove_file(path).with_context(|| path.display().to_string()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fingerprint: &str, any_source: bool) -> Provenance {
        let (weights, resize) = ("sscd_disc_mixup".to_owned(), Resize::Stretch);
        Provenance { schema: 1, fingerprint: fingerprint.to_owned(), weights, size: 288, resize, any_source }
    }

    #[test]
    fn another_fingerprint_is_another_extractor_unless_any_source_will_do() {
        assert!(of("a", false).agrees(&of("a", false)));
        assert!(!of("a", false).agrees(&of("b", false)));
        assert!(of("a", false).agrees(&of("b", true)));
        let larger = Provenance { size: 320, ..of("b", true) };
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
            crate::output::one_line(&read(&path).unwrap_err()).contains("a.extractor.json: missing field")
        );
        fs::write(&path, serde_json::to_string(&Provenance { schema: 2, ..of("a", true) }).unwrap()).unwrap();
        assert!(crate::output::one_line(&read(&path).unwrap_err()).ends_with("schema 2, expected 1"));
        replace(&path, None).unwrap();
        replace(&path, None).unwrap();
        assert!(!path.exists());
    }
}
