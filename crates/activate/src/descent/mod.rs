//! Descent of one image: its pixels, and the steps that change them.

mod budgeted;
mod changed_image;
mod masked;
mod squares;

use burn::tensor::Tensor;

pub use self::masked::Perturbation;
pub(crate) use self::{budgeted::BudgetedDescent, masked::MaskedDescent};
use crate::DescriptorNetwork;

/// Descent by one of the optimisers.
pub(crate) enum Descent {
    /// The paper's perturbation, by Adam.
    Masked(Box<MaskedDescent>),
    /// Steepest descent under a budget.
    Budgeted(Box<BudgetedDescent>),
}

/// Changed image as the network's input, with the leaf of its autodiff graph.
pub(crate) struct TrackedInput {
    /// Tensor that gradients are taken with respect to.
    pub leaf: Tensor<4>,
    /// Input prepared for the network, `[1, 3, h', w']`.
    pub input: Tensor<4>,
    /// Mean squared change of each channel, `[1, 3]`.
    pub mean_squares: Tensor<2>,
}

impl Descent {
    /// The changed image as the network's input. The graph of a masked descent begins at the pixels, that of a
    /// budgeted one at the prepared input.
    pub(crate) fn tracked_input(&self, network: &impl DescriptorNetwork) -> TrackedInput {
        match self {
            Self::Masked(descent) => {
                let changed = descent.changed();
                let leaf = changed.pixels.autodiff().require_grad();
                let input = network.prepare(leaf.clone());
                TrackedInput { leaf, input, mean_squares: changed.mean_squares }
            }
            Self::Budgeted(descent) => {
                let changed = descent.changed();
                let leaf = network.prepare(changed.pixels).autodiff().require_grad();
                TrackedInput { input: leaf.clone(), leaf, mean_squares: changed.mean_squares }
            }
        }
    }

    /// Descent after step `iteration` against the gradient of the weighted descriptor term with respect to the leaf.
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
