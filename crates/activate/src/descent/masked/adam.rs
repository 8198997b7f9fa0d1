//! Adam (Kingma & Ba, 2015).

use burn::tensor::{Device, Tensor};
use device_math::transfer::upload;

/// Decay of the mean of gradients.
const BETA1: f64 = 0.9;
/// Decay of the mean of squared gradients.
const BETA2: f64 = 0.999;
/// Term that keeps the denominator from 0, the paper's and PyTorch's; burn's optimiser has 1e-5.
const EPSILON: f64 = 1e-8;

/// One step of Adam.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    pub(crate) learning_rate: f64,
    /// Number of the step, from 1.
    pub(crate) step: i32,
}

/// Parameters, and the running means of their gradients and squared gradients, all of one shape.
#[derive(Debug, Clone)]
pub(crate) struct AdamState {
    /// Parameters.
    pub(crate) x: Tensor<4>,
    /// Mean of gradients, initially 0.
    pub(crate) first: Tensor<4>,
    /// Mean of squared gradients, initially 0.
    pub(crate) second: Tensor<4>,
}

impl AdamState {
    /// State before the first step.
    pub(crate) fn new(x: Tensor<4>) -> Self {
        let zeros = || match x.device() == Device::flex() {
            // The system zeroes fresh memory already.
            true => upload(vec![0.0; x.shape().num_elements()], x.dims(), &x.device()),
            false => x.zeros_like(),
        };
        Self { first: zeros(), second: zeros(), x }
    }
}

impl Adam {
    /// Constants of the step, the same for every value.
    pub(crate) fn rates(self) -> Rates {
        let [corrected1, corrected2] = [BETA1, BETA2].map(|beta| 1.0 - beta.powi(self.step));
        Rates { second: corrected2 as f32, rate: (self.learning_rate / corrected1) as f32 }
    }

    /// State after the step along `gradient`.
    pub(crate) fn update(self, state: AdamState, gradient: Tensor<4>) -> AdamState {
        let squared = gradient.clone() * gradient.clone();
        let first = state.first * BETA1 + gradient * (1.0 - BETA1);
        let second = state.second * BETA2 + squared * (1.0 - BETA2);
        let rate = self.learning_rate / (1.0 - BETA1.powi(self.step));
        let deviation = (second.clone() / (1.0 - BETA2.powi(self.step))).sqrt() + EPSILON;
        AdamState { x: state.x - first.clone() / deviation * rate, first, second }
    }
}

/// Constants of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// Correction of the mean of squared gradients for its start at 0.
    second: f32,
    /// Learning rate, divided by the correction of the mean of gradients.
    rate: f32,
}

impl Rates {
    /// Updates one parameter and the means of its gradients by a step along `gradient`.
    #[inline(always)]
    pub(crate) fn advance(self, x: &mut f32, first: &mut f32, second: &mut f32, gradient: f32) {
        *first = *first * BETA1 as f32 + gradient * (1.0 - BETA1) as f32;
        *second = *second * BETA2 as f32 + gradient * gradient * (1.0 - BETA2) as f32;
        *x -= *first / ((*second / self.second).sqrt() + EPSILON as f32) * self.rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Textbook recurrence on one number, in double precision.
    fn reference(gradients: &[f64]) -> f64 {
        let (mut x, mut m, mut v) = (0.0, 0.0, 0.0);
        for (t, g) in gradients.iter().enumerate() {
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m_hat, v_hat) =
                (m / (1.0 - 0.9_f64.powi(t as i32 + 1)), v / (1.0 - 0.999_f64.powi(t as i32 + 1)));
            x -= m_hat / (v_hat.sqrt() + 1e-8);
        }
        x
    }

    #[test]
    fn follows_the_recurrence_for_tiny_gradients_too() {
        let gradients = [3e-7, -1e-8, 2e-6, 0.0, -4e-7];
        let mut state = AdamState::new(Tensor::zeros([1, 1, 1, 1], &Device::flex()));
        for (step, g) in (1..).zip(gradients) {
            let gradient = Tensor::full([1, 1, 1, 1], g, &Device::flex());
            state = Adam { learning_rate: 1.0, step }.update(state, gradient);
        }
        let (found, expected) = (f64::from(state.x.into_scalar::<f32>()), reference(&gradients));
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}
