//! Records of an optimisation: its progress, the trace of each image, the changed image.

use burn::tensor::Tensor;

use crate::{objective::Step, stop::End};

/// Steps of one image's optimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Number of steps taken.
    pub iterations: usize,
    /// Reason for the end.
    pub end: End,
    /// Objective before each step, and also after the last one if [`crate::Stop`] ended the optimisation.
    pub steps: Vec<Step>,
    /// Share of the views that lay in one of the image's own cells, over the last half of the steps. `None` if the
    /// objective does not aim at cells.
    pub kept: Option<f64>,
}

/// Result of the optimisation of one image.
#[derive(Debug, Clone)]
pub struct Optimised {
    /// Changed pixels, `[1, 3, h, w]`, neither clamped nor rounded.
    pub pixels: Tensor<4>,
    /// Steps that led to them.
    pub trace: Trace,
}

/// One finished step of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Number of steps done.
    pub iteration: usize,
    /// Largest number of steps.
    pub iterations: usize,
    /// Number of images that took the step.
    pub images: usize,
}
