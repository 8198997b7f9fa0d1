//! The extractor: from pixels to descriptors.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use device_math::{constants::lifted, exact_products::matmul};
use frozen_ops::Precision;
use sha2::{Digest, Sha256};

use crate::{
    architecture::{Network, placement::Placement},
    checkpoint::{Checkpoint, CheckpointError},
    error::{Error, Result},
    preprocess::Preprocess,
    spec::Spec,
    weights::Weights,
};

/// Lower bound of norms, so that a zero vector stays finite.
const NORM_FLOOR: f64 = 1e-12;
/// Length of a fingerprint, in bytes: enough to tell millions of extractors apart.
const FINGERPRINT: usize = 8;

/// An extractor: preprocessing, network, pooling, an optional projection, L2 normalisation.
#[derive(Debug, Clone)]
pub struct Extractor {
    spec: Spec,
    network: Network,
    projection: Option<Projection>,
    /// SHA-256 over all tensors.
    digest: [u8; 32],
    precisions: Precisions,
    /// The network of differentiated passes, if their precision is another one.
    differentiated: Option<Network>,
}

/// Precisions of an extractor's convolutions. Descriptors of different precisions may be mixed in one index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Precisions {
    /// Precision of passes without gradient.
    pub descriptors: Precision,
    /// Precision of differentiated passes, forward and backward. f16 is refused: the gradients of an image near its
    /// target are some 1e7 times smaller than those of others, and f16 cannot represent both.
    pub gradients: Precision,
}

/// A linear layer: weight `[c, d]`, bias `[1, d]`.
#[derive(Debug, Clone)]
struct Projection {
    weight: Tensor<2>,
    bias: Tensor<2>,
}

impl Projection {
    fn load(c: &Checkpoint, [from, to]: [usize; 2], device: &Device) -> Result<Self, CheckpointError> {
        let weight: Tensor<2> = c.tensor("fc.weight", [to, from], device)?;
        let bias: Tensor<1> = c.tensor("fc.bias", [to], device)?;
        Ok(Self { weight: weight.transpose(), bias: bias.unsqueeze() })
    }

    fn forward(&self, pooled: Tensor<2>) -> Tensor<2> {
        let bias = lifted(&self.bias, &pooled);
        let weight = lifted(&self.weight, &pooled);
        matmul(pooled, weight) + bias
    }
}

impl Extractor {
    /// Loads an extractor from a weights file of any kind that [`Weights::read`] supports.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or contains no known network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::load_in(path, device, Precisions::default())
    }

    /// Loads an extractor whose convolutions compute in `precisions`.
    ///
    /// # Errors
    /// As [`Self::load`], and if the network or the device does not support a precision.
    pub fn load_in(path: &Path, device: &Device, precisions: Precisions) -> Result<Self> {
        let weights = Weights::read(path)?;
        Self::from_weights_in(&weights, device, precisions).map_err(|e| Error::weights(path)(e.to_string()))
    }

    /// Builds an extractor from weights in memory.
    ///
    /// # Errors
    /// If a tensor is missing, misshapen or not finite.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self, CheckpointError> {
        Self::from_weights_in(weights, device, Precisions::default())
    }

    /// Builds an extractor whose convolutions compute in `precisions`.
    ///
    /// # Errors
    /// As [`Self::from_weights`], and if the network or the device does not support a precision.
    pub fn from_weights_in(
        weights: &Weights,
        device: &Device,
        precisions: Precisions,
    ) -> Result<Self, CheckpointError> {
        let Weights { spec, tensors } = weights;
        spec.check().map_err(CheckpointError::Network)?;
        tensors.check_finite()?;
        let load = |precision| Network::load(spec, tensors, &Placement { device: device.clone(), precision });
        let Precisions { descriptors, gradients } = precisions;
        if gradients == Precision::F16 {
            return Err(CheckpointError::Network(
                "f16 cannot represent the range of gradients: use bf16".to_owned(),
            ));
        }
        let network = load(descriptors)?;
        let differentiated = (gradients != descriptors).then(|| load(gradients)).transpose()?;
        let shape = [network.channels(), spec.dimension];
        let projects = tensors.contains("fc.weight");
        if !projects && shape[0] != shape[1] {
            return Err(CheckpointError::Missing("fc.weight".to_owned()));
        }
        Ok(Self {
            spec: spec.clone(),
            projection: projects.then(|| Projection::load(tensors, shape, device)).transpose()?,
            network,
            digest: tensors.digest(),
            precisions,
            differentiated,
        })
    }

    /// Replaces the preprocessing.
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.spec.preprocess = preprocess;
        self
    }

    /// Describes images of one size. Gradients flow to the pixels if they are tracked.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, d]`, unit norm
    ///
    /// # Panics
    /// If the tensor does not have 3 channels, or a side is empty.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.describe(self.spec.preprocess.forward(pixels))
    }

    /// Describes images that are already resized and normalised, see [`Preprocess::forward`].
    ///
    /// # Shapes
    /// `[n, 3, h, w]` normalised -> `[n, d]`, unit norm
    pub fn describe(&self, input: Tensor<4>) -> Tensor<2> {
        let differentiated = self.differentiated.as_ref().filter(|_| input.is_autodiff());
        let pooled = differentiated.unwrap_or(&self.network).forward(input, self.spec.pooling);
        let projected = match &self.projection {
            Some(projection) => projection.forward(pooled),
            None => pooled,
        };
        let norm = projected.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(NORM_FLOOR);
        projected / norm
    }

    /// Precisions of the convolutions.
    pub fn precisions(&self) -> Precisions {
        self.precisions
    }

    /// Length of a descriptor.
    pub fn dimension(&self) -> usize {
        self.spec.dimension
    }

    /// Size of the network's input, and the mean and deviation of each channel that define its normalised space.
    pub fn preprocess(&self) -> Preprocess {
        self.spec.preprocess
    }

    /// Description of the extractor.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Identifies the descriptors of this extractor: 16 hexadecimal digits of a SHA-256 over tensors, pooling and
    /// preprocessing. Descriptors of different fingerprints must not be mixed. Converting a file keeps its fingerprint.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.digest);
        self.spec.hash(&mut hasher);
        hasher.finalize().iter().take(FINGERPRINT).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.network.device()
    }
}
