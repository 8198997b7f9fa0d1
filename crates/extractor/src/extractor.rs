use std::path::Path;

use burn::tensor::{Device, Tensor};
use frozen_ops::Precision;
use sha2::{Digest, Sha256};

use crate::{
    Error, Result, Spec,
    architecture::{Network, Place},
    constant::beside,
    preprocess::Preprocess,
    weights::{Checkpoint, CheckpointError, Weights},
};

/// Norms below this are taken for it, so that a zero vector stays finite.
const NORM_FLOOR: f64 = 1e-12;
/// Bytes of a fingerprint: two extractors of a collection of millions still differ.
const FINGERPRINT: usize = 8;

/// An extractor: preprocessing, network, pooling, projection where there is one, L2 normalisation.
#[derive(Debug, Clone)]
pub struct Extractor {
    spec: Spec,
    network: Network,
    projection: Option<Projection>,
    /// SHA-256 of all tensors.
    digest: [u8; 32],
    precisions: Precisions,
    /// What gradients are computed with, if not with the network itself.
    differentiated: Option<Network>,
}

/// What the convolutions of an extractor multiply in. Descriptors of different precisions may be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Precisions {
    /// Where no gradient is asked for.
    pub descriptors: Precision,
    /// Of passes that gradients are taken of, forth and back; f16 is refused: gradients of images that are nearly where they
    /// should be are some 1e7 times smaller than those of others, and it cannot hold both.
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
        let bias = beside(&self.bias, &pooled);
        let weight = beside(&self.weight, &pooled);
        unrounded::matmul(pooled, weight) + bias
    }
}

impl Extractor {
    /// Reads any weights file that [`Weights::read`] reads; a converted one says itself what it is.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or holds no known network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::load_in(path, device, Precisions::default())
    }

    /// The same, whose convolutions multiply in other precisions.
    ///
    /// # Errors
    /// Those of [`Self::load`]; a precision that the network or the device does not compute in.
    pub fn load_in(path: &Path, device: &Device, precisions: Precisions) -> Result<Self> {
        let weights = Weights::read(path)?;
        Self::from_weights_in(&weights, device, precisions).map_err(|e| Error::weights(path)(e.to_string()))
    }

    /// Builds the extractor from weights in memory.
    ///
    /// # Errors
    /// If a tensor is missing, misshapen or not finite.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self, CheckpointError> {
        Self::from_weights_in(weights, device, Precisions::default())
    }

    /// The same, whose convolutions multiply in other precisions.
    ///
    /// # Errors
    /// Those of [`Self::from_weights`]; a precision that the network or the device does not compute in.
    pub fn from_weights_in(
        weights: &Weights,
        device: &Device,
        precisions: Precisions,
    ) -> Result<Self, CheckpointError> {
        let Weights { spec, tensors } = weights;
        spec.check().map_err(CheckpointError::Network)?;
        tensors.check_finite()?;
        let load = |precision| Network::load(spec, tensors, &Place { device: device.clone(), precision });
        let Precisions { descriptors, gradients } = precisions;
        if gradients == Precision::F16 {
            return Err(CheckpointError::Network(
                "gradients do not fit into f16: bf16 has their range".to_owned(),
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

    /// The same extractor with other preprocessing.
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.spec.preprocess = preprocess;
        self
    }

    /// Descriptors of images of one size. Gradients flow to the pixels where they are tracked.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, d]`, unit norm
    ///
    /// # Panics
    /// If the tensor has not 3 channels, or an empty side.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.describe(self.spec.preprocess.forward(pixels))
    }

    /// Descriptors of images that are resized and normalised already, see [`Preprocess::forward`].
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

    /// What convolutions multiply in.
    pub fn precisions(&self) -> Precisions {
        self.precisions
    }

    /// Length of a descriptor.
    pub fn dimension(&self) -> usize {
        self.spec.dimension
    }

    /// How images are brought to the network's input.
    pub fn preprocess(&self) -> Preprocess {
        self.spec.preprocess
    }

    /// What the weights file says of the extractor.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Tells extractors apart whose descriptors must not be mixed: 16 hexadecimal digits of a SHA-256 over the tensors,
    /// the pooling and the preprocessing. Converting a file does not change it.
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
