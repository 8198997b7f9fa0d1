use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Architecture, Pooling, Preprocess};

/// Longest edge of a network's input, in pixels.
const MAX_SIZE: usize = 4096;

/// What a weights file says of its extractor beside the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The family of networks.
    pub architecture: Architecture,
    /// Length of a descriptor.
    pub dimension: usize,
    /// How features become one vector.
    pub pooling: Pooling,
    /// Attention heads of a transformer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// How images are brought to the network's input.
    pub preprocess: Preprocess,
    /// The file that was converted.
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
    /// Why no extractor can be made of this, whatever the tensors.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Preprocess { size, mean, std, .. } = self.preprocess;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(format!("input of {size} pixels, expected 1 to {MAX_SIZE}"));
        }
        if !mean.iter().all(|m| m.is_finite()) || !std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(format!("mean {mean:?} and deviation {std:?} are no normalisation"));
        }
        match self.pooling {
            Pooling::Gem(exponent) if !(exponent > 0.0 && exponent <= 64.0) => {
                Err(format!("pooling exponent {exponent}, expected more than 0 and at most 64"))
            }
            _ => Ok(()),
        }
    }

    /// Adds what changes descriptors to a hash; where the weights come from does not.
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
        assert!(refused(|s| s.preprocess.std[1] = 0.0).contains("no normalisation"));
        assert!(refused(|s| s.pooling = Pooling::Gem(f64::NAN)).starts_with("pooling exponent NaN"));
    }
}
