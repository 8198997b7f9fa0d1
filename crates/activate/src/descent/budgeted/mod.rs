//! Steepest descent under a budget of squared change.
//!
//! A change `x` of a pixel costs `x^2 / m`, see [`metric`]. The steepest-descent direction under this cost is `-m g`,
//! where `g = R^T g'` is the gradient with respect to the pixels: `g'`, that with respect to the network's input,
//! through the transpose of the resize `R`. The sum of all steps is therefore `m R^T d` with one `d` of the size of
//! the network's input. Between steps only `d` and the momentum are kept, whatever the size of the image.

mod limited_change;
mod metric;
mod psnr;

use burn::tensor::Tensor;

use self::{
    limited_change::{LimitedChange, length_of, root_mean_square},
    psnr::{allowed_change, mean_square},
};
use super::changed_image::ChangedImage;
use crate::{
    Budget, DescriptorNetwork,
    pixels::{Depth, round_to},
};

/// Share of the last direction in the next one.
const MOMENTUM: f64 = 0.9;
/// Least length of a step, as a share of the budget.
const STEP_LENGTH: f64 = 0.5;
/// Least length of all steps together, as a share of the budget: few steps are longer ones and spend it too.
const TOTAL_LENGTH: f64 = 1.6;
/// Number of times that the final change is rescaled to make up for clipping and rounding.
const RESCALINGS: usize = 3;

/// Descent of one image.
pub(crate) struct BudgetedDescent {
    limited: LimitedChange,
    /// Least PSNR of the released image, in dB.
    psnr: f64,
    depth: Depth,
    /// Length of a step, as a share of the budget.
    step_length: f64,
    /// Root mean square of the change before rounding.
    allowed: f64,
    /// Sum of gradients, the older ones decayed, `[1, 3, h', w']`.
    momentum: Tensor<4>,
    /// Sum of all steps at the size of the network's input, `d`, `[1, 3, h', w']`.
    small: Tensor<4>,
    /// Root mean square of `m R^T x` over that of `x`, for the last `d`; `None` before the first step. `[1, 1, 1, 1]`.
    gain: Option<Tensor<4>>,
    /// Factor of the change that makes up for clipping, `[1, 1, 1, 1]`.
    fill: Tensor<4>,
    changed: ChangedImage,
}

impl BudgetedDescent {
    /// Descent from an image `[1, 3, h, w]` in [0, 1].
    pub(crate) fn new(
        original: Tensor<4>,
        budget: Budget,
        depth: Depth,
        iterations: usize,
        network: &impl DescriptorNetwork,
    ) -> Self {
        let none = network.prepare(original.clone()).zeros_like();
        let unchanged = Tensor::zeros([1, 3], &original.device());
        Self {
            psnr: budget.psnr,
            depth,
            step_length: STEP_LENGTH.max(TOTAL_LENGTH / iterations.max(1) as f64),
            allowed: allowed_change(budget.psnr, depth),
            momentum: none.clone(),
            small: none,
            gain: None,
            fill: Tensor::ones([1; 4], &original.device()),
            changed: ChangedImage { pixels: original.clone(), mean_squares: unchanged },
            limited: LimitedChange::new(original, budget),
        }
    }

    /// The changed image, not rounded.
    pub(in crate::descent) fn changed(&self) -> ChangedImage {
        self.changed.clone()
    }

    /// Descent after one step against `gradient`, that of the loss with respect to the network's input,
    /// `[1, 3, h', w']`.
    pub(crate) fn step(self, gradient: Tensor<4>, network: &impl DescriptorNetwork) -> Self {
        let unit = gradient.clone() / root_mean_square(gradient);
        let momentum = self.momentum.clone() * MOMENTUM + unit;
        let length = root_mean_square(momentum.clone());
        let gain = match &self.gain {
            Some(gain) => gain.clone(),
            None => self.limited.weighted_length(&self.transposed(&momentum, network)) / length.clone(),
        };
        let step = momentum.clone() / length / gain * (self.step_length * self.allowed);
        let small = self.small.clone() - step;
        let transposed = self.transposed(&small, network);
        let reached = self.limited.weighted_length(&transposed);
        let gain = reached.clone() / root_mean_square(small.clone());
        let scale = (reached.clone() / self.allowed).clamp_min(1.0).recip();
        let changed = self.limited.apply(transposed, scale.clone() * self.fill.clone());
        let missing = reached * scale.clone() / length_of(&changed.mean_squares);
        let fill = (self.fill.clone() * missing).clamp(1.0, 4.0);
        Self { momentum, small: small * scale, gain: Some(gain), fill, changed, ..self }
    }

    /// Pixels of the changed image, scaled so that the rounded image spends what the steps spent of the budget.
    pub(crate) fn finish(self, network: &impl DescriptorNetwork) -> Tensor<4> {
        // An image that stops early may not have spent its budget.
        let reached = self.limited.weighted_length(&self.transposed(&self.small, network)) / self.allowed;
        let wanted = reached * mean_square(self.psnr).sqrt();
        let (mut fill, mut pixels) = (self.fill.clone(), self.changed.pixels.clone());
        for _ in 0..RESCALINGS {
            let rounded = round_to(pixels, self.depth) - self.limited.original().clone();
            fill = fill * (wanted.clone() / root_mean_square(rounded)).clamp(0.25, 4.0);
            pixels = self.limited.apply(self.transposed(&self.small, network), fill.clone()).pixels;
        }
        pixels
    }

    /// `R^T x`, at the size of the image.
    fn transposed(&self, x: &Tensor<4>, network: &impl DescriptorNetwork) -> Tensor<4> {
        let [_, _, h, w] = self.limited.original().dims();
        network.prepare_transposed(x.clone(), [h, w])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn image(height: usize, width: usize) -> Tensor<4> {
        let values = (0..3 * height * width).map(|i| ((i * 7919) % 251) as f32 / 250.0).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, height, width]), &Device::flex())
    }

    /// Network whose descriptor is the image itself.
    struct Identity;

    impl DescriptorNetwork for Identity {
        fn dimension(&self) -> usize {
            0
        }

        fn std(&self) -> [f32; 3] {
            [1.0; 3]
        }

        fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
            pixels
        }

        fn describe(&self, input: Tensor<4>) -> Tensor<2> {
            input.flatten::<2>(1, 3)
        }
    }

    /// Compares with other directions: by Cauchy-Schwarz, `-m g` lowers a linear loss most for its cost `sum x^2 / m`.
    #[test]
    fn the_first_step_is_the_steepest() {
        let (original, gradient) = (image(12, 14) * 0.5 + 0.25, image(12, 14) - 0.3);
        let budget = Budget { psnr: 70.0, ..Budget::default() };
        let descent = BudgetedDescent::new(original.clone(), budget, Depth::Sixteen, 10, &Identity);
        let cost = descent.limited.metric().clone().recip();
        let lowered = |x: Tensor<4>| (x * gradient.clone()).sum();
        let change = descent.step(gradient.clone(), &Identity).changed().pixels - original.clone();
        let ratio = |x: Tensor<4>| {
            let spent = (x.clone() * x.clone() * cost.clone()).sum().sqrt();
            (lowered(x) / spent).into_scalar::<f32>()
        };
        let best = ratio(change.clone());
        assert!(best < 0.0);
        for other in
            [gradient.clone().neg(), gradient.clone().sign().neg(), change.clone() - image(12, 14) * 1e-4]
        {
            assert!(ratio(other) > best);
        }
    }
}
