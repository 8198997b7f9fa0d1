//! The networks there are. One file each: how public checkpoints name its tensors, what ours are called, and the
//! computation.

mod conv;
mod efficientnet;
mod resnet;
mod vit;

use std::fmt;

use burn::tensor::{Device, Tensor};
use frozen_ops::Precision;
use serde::{Deserialize, Serialize};

use crate::{
    pooling::Pooling,
    preprocess::{Preprocess, Resize},
    spec::Spec,
    weights::{Checkpoint, CheckpointError, Options},
};
use efficientnet::EfficientNet;
use resnet::ResNet;
use vit::Vit;

type Loaded<T> = Result<T, CheckpointError>;

/// A family of networks; widths, depths and groups are those of the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// ResNet and ResNeXt of bottlenecks: SSCD, DINO's ResNet-50.
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
    /// All there are.
    pub const ALL: [Self; 3] = [Self::ResNet, Self::Vit, Self::EfficientNet];

    /// Names that tell a public checkpoint of this architecture, whatever stands before them.
    pub(crate) fn anchors(self) -> &'static [&'static str] {
        match self {
            Self::ResNet => &resnet::ANCHORS,
            Self::Vit => &vit::ANCHORS,
            Self::EfficientNet => &efficientnet::ANCHORS,
        }
    }

    /// Takes the network below `prefix` out of a public checkpoint: our names, batch norm folded.
    pub(crate) fn convert(self, source: &mut Checkpoint, prefix: &str) -> Loaded<Checkpoint> {
        match self {
            Self::ResNet => resnet::convert(source, prefix),
            Self::Vit => vit::convert(source, prefix),
            Self::EfficientNet => efficientnet::convert(source, prefix),
        }
    }

    /// What a public checkpoint is, now under our names: as the published models pool and preprocess, unless told
    /// otherwise.
    ///
    /// # Errors
    /// If the length of a descriptor or the number of heads cannot be told.
    pub(crate) fn spec(self, converted: &Checkpoint, options: &Options) -> Loaded<Spec> {
        let projects = converted.contains("fc.weight");
        let (pooling, preprocess) = self.published(projects);
        let heads = match self {
            Self::Vit => Some(options.heads.map_or_else(|| vit::usual_heads(converted), Ok)?),
            _ => None,
        };
        let dimension = match self {
            _ if projects => converted.shape::<2>("fc.weight")?[0],
            Self::Vit => converted.shape::<1>("norm.weight")?[0],
            Self::ResNet => converted.shape::<4>("layer4.0.conv3.weight")?[0],
            Self::EfficientNet => return Err(CheckpointError::Missing("fc.weight".to_owned())),
        };
        Ok(Spec {
            architecture: self,
            dimension,
            pooling: options.pooling.unwrap_or(pooling),
            heads,
            preprocess: options.preprocess.unwrap_or(preprocess),
            source: None,
        })
    }

    /// SSCD's models have a projection, DINO's have none.
    fn published(self, projects: bool) -> (Pooling, Preprocess) {
        match self {
            Self::ResNet if projects => (Pooling::Gem(3.0), Preprocess::default()),
            Self::ResNet => (Pooling::Average, Preprocess::default()),
            Self::Vit => (Pooling::Class, Preprocess::default()),
            // Exponent 1: the mean of what is at least 1e-6.
            Self::EfficientNet => (Pooling::Gem(1.0), ISC),
        }
    }
}

/// ISC-dt1: 512 x 512, mean and deviation of timm's `tf_efficientnetv2_m_in21ft1k`.
const ISC: Preprocess = Preprocess { size: 512, resize: Resize::Stretch, mean: [0.5; 3], std: [0.5; 3] };

/// Where a network is computed, and how.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The device.
    pub device: Device,
    /// What products are computed in; networks but for ResNets know [`Precision::Single`] alone.
    pub precision: Precision,
}

/// A network's weights on a device, frozen.
#[derive(Debug, Clone)]
pub(crate) enum Network {
    ResNet(ResNet),
    Vit(Box<Vit>),
    EfficientNet(Box<EfficientNet>),
}

impl Network {
    /// Builds the network of our names.
    pub fn load(spec: &Spec, checkpoint: &Checkpoint, place: &Place) -> Loaded<Self> {
        let device = &place.device;
        let is_vit = spec.architecture == Architecture::Vit;
        if is_vit != (spec.pooling == Pooling::Class) {
            let reason = format!("{} does not go with {}", spec.pooling, spec.architecture);
            return Err(CheckpointError::Network(reason));
        }
        if spec.architecture != Architecture::ResNet && place.precision != Precision::Single {
            let reason = format!("{} is computed in single precision only", spec.architecture);
            return Err(CheckpointError::Network(reason));
        }
        Ok(match spec.architecture {
            Architecture::ResNet => Self::ResNet(ResNet::load(checkpoint, place)?),
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

    /// How many features there are.
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
