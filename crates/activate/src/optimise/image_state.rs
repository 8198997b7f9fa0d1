//! State of each image between two steps.

use burn::tensor::Tensor;

use super::{
    forward_pass::ForwardPass,
    trace::{Optimised, Trace},
};
use crate::{DescriptorNetwork, descent::Descent, objective::Step, stop::End};

/// Images before their first step.
pub(crate) struct InitialStates {
    /// Images of equal size are neighbours.
    pub(super) states: Vec<ImageState>,
    /// Forward pass of the first step, if it was made to describe the originals.
    pub(super) first_pass: Option<ForwardPass>,
}

/// State of an image that is still being optimised.
pub(super) struct ImageState {
    /// Index of the image in the batch.
    pub image: usize,
    /// Height and width.
    pub size: [usize; 2],
    pub descent: Descent,
    /// Recorded objective of each step.
    pub steps: Vec<Step>,
    /// Share of the views in the image's own cells, of each step.
    pub kept: Vec<f64>,
}

/// Optimised image behind its index in the batch.
pub(super) type Finished = (usize, Optimised);

impl ImageState {
    /// State after a step against `gradient`, that of the weighted descriptor term with respect to the leaf.
    pub fn step(self, gradient: Tensor<4>, iteration: usize, network: &impl DescriptorNetwork) -> Self {
        Self { descent: self.descent.step(gradient, iteration, network), ..self }
    }

    /// Result after `iterations` steps.
    pub fn finish(self, iterations: usize, end: End, network: &impl DescriptorNetwork) -> Finished {
        let late = &self.kept[self.kept.len() / 2..];
        let kept = (!late.is_empty()).then(|| late.iter().sum::<f64>() / late.len() as f64);
        let trace = Trace { iterations, end, steps: self.steps, kept };
        (self.image, Optimised { pixels: self.descent.finish(network), trace })
    }
}
