//! Steepest descent under a budget of squared change.
//!
//! With the JND map `H`, a change of pixel `i` is measured as `(change_i / H_i)^2`. The way that goes down fastest for
//! what it costs is `-H^2 g`, where `g = R^T g'` is the gradient to the pixels, lifted from that to the network's input
//! by the transpose of the resize. All steps together are `H^2 R^T d` with one `d` as small as the network's input: that
//! and the momentum are all that is kept of the way, whatever the size of the image.

use burn::tensor::Tensor;

use crate::{Budget, DescriptorNetwork, host::Changed, jnd::jnd_map, pixels::Depth};

/// Share of the last direction in the next one.
const MOMENTUM: f64 = 0.9;
/// Length of a step, in budgets.
const RATE: f64 = 0.5;
/// How often a change is scaled to what clipping left of the budget.
const REFILLS: usize = 3;

/// An image and what it may cost to change it. All is of the image's size but where it says so.
pub(crate) struct Budgeted {
    original: Tensor<4>,
    /// The JND map, `[1, 1, h, w]`.
    map: Tensor<4>,
    /// Root mean square of the change.
    allowed: f64,
    budget: Budget,
    /// Sums of gradients, `[1, 3, h', w']`.
    momentum: Tensor<4>,
    /// `d`, `[1, 3, h', w']`.
    small: Tensor<4>,
    changed: Changed,
    /// The changed pixels, prepared for the network: `[1, 3, h', w']`.
    input: Tensor<4>,
}

impl Budgeted {
    pub(crate) fn new(
        original: Tensor<4>,
        budget: Budget,
        depth: Depth,
        network: &impl DescriptorNetwork,
    ) -> Self {
        let map = jnd_map(original.clone());
        let input = network.prepare(original.clone());
        let changed = (original.clone(), Tensor::zeros([1, 3], &original.device()));
        Self {
            map,
            allowed: allowed(budget.psnr, depth),
            budget,
            momentum: input.zeros_like(),
            small: input.zeros_like(),
            changed,
            input,
            original,
        }
    }

    /// The changed pixels, prepared for the network, and the mean squared change of each channel.
    pub(crate) fn prepared(&self) -> Changed {
        (self.input.clone(), self.changed.1.clone())
    }

    /// One step against `gradient`, `[1, 3, h', w']`.
    pub(crate) fn step(self, gradient: Tensor<4>, network: &impl DescriptorNetwork) -> Self {
        let length = |x: &Tensor<4>| root_mean_square(&self.lift(x, network));
        let unit = gradient.clone() / length(&gradient);
        let momentum = self.momentum.clone() * MOMENTUM + unit;
        let step = momentum.clone() / length(&momentum) * (RATE * self.allowed);
        let small = self.small.clone() - step;
        let excess = (length(&small) / self.allowed).clamp_min(1.0);
        let small = small / excess;
        let changed = self.spend(self.lift(&small, network));
        let input = network.prepare(changed.0.clone());
        Self { momentum, small, changed, input, ..self }
    }

    /// The changed pixels.
    pub(crate) fn finish(self) -> Tensor<4> {
        self.changed.0
    }

    /// `H^2 R^T x`.
    fn lift(&self, x: &Tensor<4>, network: &impl DescriptorNetwork) -> Tensor<4> {
        let [_, _, h, w] = self.original.dims();
        network.lift(x.clone(), [h, w]) * (self.map.clone() * self.map.clone())
    }

    /// The image with a change, clipped to the cap and to [0, 1], and scaled so that it still costs what it did.
    fn spend(&self, change: Tensor<4>) -> Changed {
        let wanted = root_mean_square(&change);
        let limit = (self.map.clone() * self.budget.jnd).clamp_max(self.budget.linf);
        let clip = |change: Tensor<4>| {
            let change = change.min_pair(limit.clone()).max_pair(limit.clone().neg());
            (change + self.original.clone()).clamp(0.0, 1.0) - self.original.clone()
        };
        let mut scale = wanted.ones_like();
        let mut clipped = clip(change.clone());
        for _ in 1..REFILLS {
            scale = scale * wanted.clone() / root_mean_square(&clipped);
            clipped = clip(change.clone() * scale.clone());
        }
        let [_, _, h, w] = clipped.dims();
        let squared = (clipped.clone() * clipped.clone()).reshape([1, 3, h * w]).mean_dim(2).squeeze_dim(2);
        (clipped + self.original.clone(), squared)
    }
}

/// Root mean square of the change that leaves so many dB after rounding, whose errors are uniform.
fn allowed(psnr: f64, depth: Depth) -> f64 {
    let rounding = 1.0 / (12.0 * f64::from(depth.top()).powi(2));
    let squared = 10f64.powf(-psnr / 10.0);
    (squared - rounding).max(squared * 1e-3).sqrt()
}

/// Never 0, `[1, 1, 1, 1]`.
fn root_mean_square(x: &Tensor<4>) -> Tensor<4> {
    (x.clone() * x.clone()).mean().sqrt().clamp_min(1e-20).reshape([1, 1, 1, 1])
}
