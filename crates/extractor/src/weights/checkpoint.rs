use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

/// A dense float32 array in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values.
    pub values: Vec<f32>,
}

/// Named tensors of a network, batch norm folded: `conv1.weight`, `layer1.0.conv1.bias`, `fc.weight`...
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    arrays: BTreeMap<String, Array>,
}

/// What a network misses in a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// No tensor of that name.
    #[error("no tensor `{0}`")]
    Missing(String),
    /// A tensor of another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape of the network.
        expected: Vec<usize>,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },
}

impl Checkpoint {
    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, array: Array) {
        self.arrays.insert(name.into(), array);
    }

    /// The tensor `name`, put on `device`.
    ///
    /// # Errors
    /// If there is none, or if its shape is not `shape`.
    pub fn tensor<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, CheckpointError> {
        let array = self.arrays.get(name).ok_or_else(|| CheckpointError::Missing(name.to_owned()))?;
        if array.shape != shape || array.values.len() != shape.iter().product::<usize>() {
            let (name, found) = (name.to_owned(), array.shape.clone());
            return Err(CheckpointError::Shape { name, expected: shape.to_vec(), found });
        }
        Ok(Tensor::from_data(TensorData::new(array.values.clone(), shape), device))
    }

    /// Names of the tensors there are, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_misshapen_tensors_are_named() {
        let mut checkpoint = Checkpoint::default();
        checkpoint.insert("fc.bias", Array { shape: vec![2], values: vec![0.0; 2] });
        let device = Device::flex();
        let missing = checkpoint.tensor("fc.weight", [1], &device).unwrap_err();
        assert_eq!(missing.to_string(), "no tensor `fc.weight`");
        let misshapen = checkpoint.tensor("fc.bias", [3], &device).unwrap_err();
        assert_eq!(misshapen.to_string(), "tensor `fc.bias` has shape [2], expected [3]");
    }
}
