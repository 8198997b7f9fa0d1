//! Description of an extractor, as weights files store it beside the tensors.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{pooling::Pooling, preprocess::Preprocess};

/// Longest edge of a network's input, in pixels.
const MAX_SIZE: usize = 4096;

/// A family of networks; widths, depths and groups follow from the shapes of the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// ResNet and ResNeXt of bottleneck blocks: SSCD, DINO's ResNet-50.
    ResNet,
    /// Vision transformer: DINO's ViT-S/16.
    Vit,
    /// EfficientNetV2-S, M or L with TensorFlow's padding: ISC-dt1.
    EfficientNet,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ResNet => "resnet",
            Self::Vit => "vit",
            Self::EfficientNet => "efficientnet",
        })
    }
}

impl Architecture {
    /// All architectures.
    pub const ALL: [Self; 3] = [Self::ResNet, Self::Vit, Self::EfficientNet];
}

/// Description of an extractor: everything but its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Family of the network.
    pub architecture: Architecture,
    /// Length of a descriptor.
    pub dimension: usize,
    /// Pooling of the features to one vector.
    pub pooling: Pooling,
    /// Number of attention heads of a transformer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// Preprocessing of the images.
    pub preprocess: Preprocess,
    /// The file that the weights were converted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A file that weights were converted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name, without folders.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Spec {
    /// Checks the settings that do not depend on the tensors.
    ///
    /// # Errors
    /// The setting that is out of range.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Preprocess { size, mean, std, .. } = self.preprocess;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(format!("input of {size} pixels, expected 1 to {MAX_SIZE}"));
        }
        if !mean.iter().all(|m| m.is_finite()) || !std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(format!("mean {mean:?} and deviation {std:?} cannot normalise"));
        }
        match self.pooling {
            Pooling::Gem(exponent) if !(exponent > 0.0 && exponent <= 64.0) => {
                Err(format!("pooling exponent {exponent}, expected more than 0 and at most 64"))
            }
            _ => Ok(()),
        }
    }

    /// Adds all settings that change descriptors to a hash; the source of the weights is not one.
    pub(crate) fn hash(&self, hasher: &mut Sha256) {
        let Self { architecture, pooling, heads, preprocess, dimension, source: _ } = self;
        let text = json!([architecture, dimension, pooling, heads, preprocess]).to_string();
        hasher.update(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_specs_are_refused_with_the_reason() {
        let spec = Spec {
            architecture: Architecture::ResNet,
            dimension: 512,
            pooling: Pooling::Gem(3.0),
            heads: None,
            preprocess: Preprocess::default(),
            source: None,
        };
        assert_eq!(spec.check(), Ok(()));
        let refused = |change: fn(&mut Spec)| {
            let mut changed = spec.clone();
            change(&mut changed);
            changed.check().unwrap_err()
        };
        assert!(refused(|s| s.preprocess.size = 0).starts_with("input of 0 pixels"));
        assert!(refused(|s| s.preprocess.size = usize::MAX).contains("expected 1 to 4096"));
        assert!(refused(|s| s.preprocess.std[1] = 0.0).contains("cannot normalise"));
        assert!(refused(|s| s.pooling = Pooling::Gem(f64::NAN)).starts_with("pooling exponent NaN"));
    }
}
