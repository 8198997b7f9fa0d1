//! Forward pass of one step: descriptors, their objective, and its gradients.

use burn::tensor::Tensor;

use crate::objective::RowGoals;

/// Descriptors of the running images, `n` images with `views` each.
pub(super) struct ForwardPass {
    /// Leaf of each image's autodiff graph.
    pub leaves: Vec<Tensor<4>>,
    /// `[n * views, d]`.
    pub descriptors: Tensor<2>,
    /// Mean squared change of each channel, `[n, 3]`.
    pub mean_squares: Tensor<2>,
}

/// Objective of the running images.
pub(super) struct Evaluation {
    /// Leaf of each image's autodiff graph.
    pub leaves: Vec<Tensor<4>>,
    /// `[n * views, d]`, untracked.
    pub descriptors: Tensor<2>,
    /// Descriptor term, `[n, 1]`.
    pub losses: Tensor<2>,
    /// Values for the trace until they are read: descriptor term, mean squared change of each channel and, if the
    /// objective aims at cells, the share of views in the image's own cells. `[n, 4]` or `[n, 5]`.
    pub trace_values: Option<Tensor<2>>,
}

impl ForwardPass {
    /// Mean of each image's objective over its views and over the goals of all indexes.
    pub fn evaluate(self, goals: &[RowGoals]) -> Evaluation {
        let Self { leaves, descriptors, mean_squares } = self;
        let images = leaves.len();
        let mean = |rows: Vec<Tensor<2>>| Tensor::cat(rows, 1).reshape([images as i32, -1]).mean_dim(1);
        let losses = goals.iter().map(|goals| goals.loss(descriptors.clone()));
        let (losses, inside): (Vec<_>, Vec<_>) = losses.map(|loss| (loss.losses, loss.inside)).unzip();
        let losses = mean(losses);
        let inside: Vec<_> = inside.into_iter().flatten().collect();
        let inside = (!inside.is_empty()).then(|| mean(inside));
        let values = [losses.clone().inner(), mean_squares].into_iter().chain(inside);
        let trace_values = Some(Tensor::cat(values.collect(), 1));
        Evaluation { leaves, descriptors: descriptors.inner(), losses, trace_values }
    }
}

/// Gradients of the sum of `losses` with respect to each leaf; zeros for a leaf that no loss depends on.
pub(super) fn gradients(leaves: Vec<Tensor<4>>, losses: Tensor<2>) -> Vec<Tensor<4>> {
    let mut gradients = losses.sum().backward();
    let gradient = |leaf: Tensor<4>| {
        let none = || leaf.clone().inner().zeros_like();
        leaf.grad_remove(&mut gradients).unwrap_or_else(none)
    };
    leaves.into_iter().map(gradient).collect()
}
