use std::path::Path;

use burn::tensor::{Device, Tensor};

use crate::{
    Error, Result,
    constant::beside,
    gem::gem,
    preprocess::Preprocess,
    resnet::ResNet50,
    weights::{Checkpoint, CheckpointError},
};

/// Norms below this are taken for it, so that a zero vector stays finite.
const NORM_FLOOR: f64 = 1e-12;

/// The SSCD extractor: preprocessing, ResNet-50, GeM pooling, projection, L2 normalisation.
#[derive(Debug, Clone)]
pub struct Extractor {
    preprocess: Preprocess,
    trunk: ResNet50,
    projection: Tensor<2>,
    bias: Tensor<2>,
}

impl Extractor {
    /// Length of a descriptor.
    pub const DIMENSION: usize = 512;

    /// Reads the weights of an ONNX file (int8 weights with their scales, or float32).
    ///
    /// # Errors
    /// If the file cannot be read, is no ONNX file, or holds another network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let checkpoint = Checkpoint::read_onnx(path)?;
        Self::from_checkpoint(&checkpoint, device).map_err(|e| Error::weights(path)(e.to_string()))
    }

    /// Builds the extractor from named tensors.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape.
    pub fn from_checkpoint(checkpoint: &Checkpoint, device: &Device) -> Result<Self, CheckpointError> {
        let shape = [Self::DIMENSION, ResNet50::CHANNELS];
        let projection: Tensor<2> = checkpoint.tensor("fc.weight", shape, device)?;
        let bias: Tensor<1> = checkpoint.tensor("fc.bias", [Self::DIMENSION], device)?;
        Ok(Self {
            preprocess: Preprocess::default(),
            trunk: ResNet50::load(checkpoint, device)?,
            projection: projection.transpose(),
            bias: bias.unsqueeze(),
        })
    }

    /// The same extractor with other preprocessing.
    pub fn with_preprocess(self, preprocess: Preprocess) -> Self {
        Self { preprocess, ..self }
    }

    /// Descriptors of images of one size. Gradients flow to the pixels where they are tracked.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 512]`, unit norm
    ///
    /// # Panics
    /// If the tensor has not 3 channels, or an empty side.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.describe(self.preprocess.forward(pixels))
    }

    /// Descriptors of images that are resized and normalised already, see [`Preprocess::forward`].
    ///
    /// # Shapes
    /// `[n, 3, h, w]` normalised -> `[n, 512]`, unit norm
    pub fn describe(&self, input: Tensor<4>) -> Tensor<2> {
        let pooled = gem(self.trunk.forward(input));
        let bias = beside(&self.bias, &pooled);
        let projected = pooled.clone().matmul(beside(&self.projection, &pooled)) + bias;
        let norm = projected.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(NORM_FLOOR);
        projected / norm
    }

    /// How images are brought to the network's input.
    pub fn preprocess(&self) -> Preprocess {
        self.preprocess
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.trunk.device()
    }
}
