//! One image on its way to its goal.

mod budgeted;
mod masked;

use burn::tensor::Tensor;

pub(crate) use self::{budgeted::Budgeted, masked::MaskedDescent};
use crate::DescriptorNetwork;

/// Who is optimised, and how.
pub(crate) enum Descent {
    Masked(Box<MaskedDescent>),
    Budgeted(Box<Budgeted>),
}

/// Where an image is: its graph begins at a leaf.
pub(crate) struct Leaf {
    /// What gradients are wanted of.
    pub leaf: Tensor<4>,
    /// `[1, 3, h', w']`, prepared for the network.
    pub input: Tensor<4>,
    /// Mean squared change of each channel, `[1, 3]`.
    pub squared: Tensor<2>,
}

impl Descent {
    /// The changed image as the network sees it.
    pub(crate) fn leaf(&self, network: &impl DescriptorNetwork) -> Leaf {
        match self {
            Self::Masked(descent) => {
                let (changed, squared) = descent.changed();
                let leaf = changed.autodiff().require_grad();
                Leaf { input: network.prepare(leaf.clone()), leaf, squared }
            }
            Self::Budgeted(descent) => {
                let (changed, squared) = descent.changed();
                let leaf = network.prepare(changed).autodiff().require_grad();
                Leaf { input: leaf.clone(), leaf, squared }
            }
        }
    }

    /// Step `iteration`, against the gradient of the weighted descriptor's term to the leaf.
    pub(crate) fn step(
        self,
        gradient: Tensor<4>,
        iteration: usize,
        network: &impl DescriptorNetwork,
    ) -> Self {
        match self {
            Self::Masked(descent) => Self::Masked(Box::new(descent.step(gradient, iteration))),
            Self::Budgeted(descent) => Self::Budgeted(Box::new(descent.step(gradient, network))),
        }
    }

    /// The changed image, not yet rounded.
    pub(crate) fn finish(self, network: &impl DescriptorNetwork) -> Tensor<4> {
        match self {
            Self::Masked(descent) => descent.finish(),
            Self::Budgeted(descent) => descent.finish(network),
        }
    }
}
