//! Named tensors of a network, in memory.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use sha2::{Digest, Sha256};

/// A dense float32 array in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values.
    pub values: Vec<f32>,
}

/// Named tensors of a network, under the names of a public file or, converted, under this crate's: `conv1.weight`,
/// `layer1.0.conv1.bias`, `fc.weight`, with batch norms folded.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    arrays: BTreeMap<String, Array>,
}

/// Reasons that a network cannot be built from a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A tensor is missing.
    #[error("no tensor `{0}`")]
    Missing(String),
    /// A tensor has another shape than the network's.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape in the network.
        expected: Vec<usize>,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },
    /// A tensor has another number of axes than the network's.
    #[error("tensor `{name}` has shape {found:?}, expected {axes} axes")]
    Axes {
        /// The tensor's name.
        name: String,
        /// Number of axes in the network.
        axes: usize,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },
    /// A tensor has no values.
    #[error("tensor `{0}` is empty")]
    Empty(String),
    /// A tensor holds infinities or NaN.
    #[error("tensor `{0}` holds values that are not finite")]
    NotFinite(String),
    /// Tensors or settings contradict each other.
    #[error("{0}")]
    Network(String),
}

/// Result of building a network.
pub(crate) type Result<T, E = CheckpointError> = std::result::Result<T, E>;

impl Checkpoint {
    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, array: Array) {
        self.arrays.insert(name.into(), array);
    }

    /// Returns true if there is a tensor `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// Removes and returns the tensor `name`.
    ///
    /// # Errors
    /// If it is missing.
    pub fn take(&mut self, name: &str) -> Result<Array> {
        self.arrays.remove(name).ok_or_else(|| CheckpointError::Missing(name.to_owned()))
    }

    /// The shape of the tensor `name`.
    ///
    /// # Errors
    /// If it is missing or has another number of axes.
    pub fn shape<const D: usize>(&self, name: &str) -> Result<[usize; D]> {
        let found = &self.get(name)?.shape;
        let wrong = |_| CheckpointError::Axes { name: name.to_owned(), axes: D, found: found.clone() };
        found.as_slice().try_into().map_err(wrong)
    }

    /// Uploads the tensor `name` to `device`.
    ///
    /// # Errors
    /// If it is missing or empty, or has another shape.
    pub fn tensor<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>> {
        let array = self.get(name)?;
        if array.shape != shape || array.values.len() != shape.iter().product::<usize>() {
            let (name, found) = (name.to_owned(), array.shape.clone());
            return Err(CheckpointError::Shape { name, expected: shape.to_vec(), found });
        }
        if array.values.is_empty() {
            return Err(CheckpointError::Empty(name.to_owned()));
        }
        Ok(Tensor::from_data(TensorData::new(array.values.clone(), shape), device))
    }

    fn get(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).ok_or_else(|| CheckpointError::Missing(name.to_owned()))
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// All tensors, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// Refuses weights that are not finite: descriptors would not be finite either.
    ///
    /// # Errors
    /// If a weight is infinite or NaN.
    pub(crate) fn check_finite(&self) -> Result<()> {
        let broken = self.arrays.iter().find(|(_, array)| !array.values.iter().all(|v| v.is_finite()));
        broken.map_or(Ok(()), |(name, _)| Err(CheckpointError::NotFinite(name.clone())))
    }

    /// SHA-256 over names, shapes and values.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut bytes = Vec::new();
        for (name, array) in &self.arrays {
            hasher.update(format!("{name} {:?}\n", array.shape));
            bytes.clear();
            bytes.extend(array.values.iter().flat_map(|v| v.to_le_bytes()));
            hasher.update(&bytes);
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bias(values: [f32; 2]) -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        checkpoint.insert("fc.bias", Array { shape: vec![2], values: values.to_vec() });
        checkpoint
    }

    #[test]
    fn missing_and_misshapen_tensors_are_named() {
        let (checkpoint, device) = (bias([0.0; 2]), Device::flex());
        let missing = checkpoint.tensor("fc.weight", [1], &device).unwrap_err();
        assert_eq!(missing.to_string(), "no tensor `fc.weight`");
        let misshapen = checkpoint.tensor("fc.bias", [3], &device).unwrap_err();
        assert_eq!(misshapen.to_string(), "tensor `fc.bias` has shape [2], expected [3]");
        let axes = checkpoint.shape::<2>("fc.bias").unwrap_err();
        assert_eq!(axes.to_string(), "tensor `fc.bias` has shape [2], expected 2 axes");
        let mut empty = Checkpoint::default();
        empty.insert("fc.bias", Array { shape: vec![0], values: Vec::new() });
        assert_eq!(
            empty.tensor("fc.bias", [0], &device).unwrap_err().to_string(),
            "tensor `fc.bias` is empty"
        );
        let infinite = bias([0.0, f32::INFINITY]).check_finite().unwrap_err();
        assert_eq!(infinite.to_string(), "tensor `fc.bias` holds values that are not finite");
    }

    #[test]
    fn any_change_changes_the_digest() {
        let digest = bias([0.0, 1.0]).digest();
        assert_eq!(digest, bias([0.0, 1.0]).digest());
        assert_ne!(digest, bias([1.0, 0.0]).digest());
        let mut reshaped = Checkpoint::default();
        reshaped.insert("fc.bias", Array { shape: vec![1, 2], values: vec![0.0, 1.0] });
        assert_ne!(digest, reshaped.digest());
    }
}
