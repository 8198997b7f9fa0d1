//! The networks. Each has one file: tensor names of public checkpoints, conversion to this crate's names, computation.

mod batch_norm;
mod conv;
mod efficientnet;
pub mod placement;
pub mod public_checkpoint;
mod resnet;
mod vit;

use burn::tensor::{Device, Tensor};
use frozen_ops::Precision;

use self::{efficientnet::EfficientNet, placement::Placement, resnet::ResNet, vit::Vit};
use crate::{
    checkpoint::{Checkpoint, CheckpointError, Result},
    pooling::Pooling,
    spec::{Architecture, Spec},
};

/// A frozen network with its weights on a device.
#[derive(Debug, Clone)]
pub enum Network {
    /// ResNet or ResNeXt.
    ResNet(ResNet),
    /// Vision transformer.
    Vit(Box<Vit>),
    /// EfficientNetV2.
    EfficientNet(Box<EfficientNet>),
}

impl Network {
    /// Builds the network of a converted checkpoint.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen, or the spec contradicts itself or the precision.
    pub fn load(spec: &Spec, checkpoint: &Checkpoint, placement: &Placement) -> Result<Self> {
        let device = &placement.device;
        let is_vit = spec.architecture == Architecture::Vit;
        if is_vit != (spec.pooling == Pooling::Class) {
            let reason = format!("{} cannot be used with {}", spec.pooling, spec.architecture);
            return Err(CheckpointError::Network(reason));
        }
        if spec.architecture != Architecture::ResNet && placement.precision != Precision::Single {
            let reason = format!("{} supports single precision only", spec.architecture);
            return Err(CheckpointError::Network(reason));
        }
        Ok(match spec.architecture {
            Architecture::ResNet => Self::ResNet(ResNet::load(checkpoint, placement)?),
            Architecture::Vit => Self::Vit(Box::new(Vit::load(checkpoint, spec.heads, device)?)),
            Architecture::EfficientNet => {
                Self::EfficientNet(Box::new(EfficientNet::load(checkpoint, device)?))
            }
        })
    }

    /// Pooled features.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` normalised -> `[n, c]`
    pub fn forward(&self, input: Tensor<4>, pooling: Pooling) -> Tensor<2> {
        match self {
            Self::ResNet(network) => pooling.forward(network.forward(input)),
            Self::Vit(network) => network.forward(input),
            Self::EfficientNet(network) => pooling.forward(network.forward(input)),
        }
    }

    /// Number of pooled features.
    pub fn channels(&self) -> usize {
        match self {
            Self::ResNet(network) => network.channels(),
            Self::Vit(network) => network.channels(),
            Self::EfficientNet(network) => network.channels(),
        }
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        match self {
            Self::ResNet(network) => network.device(),
            Self::Vit(network) => network.device(),
            Self::EfficientNet(network) => network.device(),
        }
    }
}
