use burn::tensor::{Device, Tensor};
use extractor::transfer::upload;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
/// The paper's and PyTorch's; burn's own optimiser has 1e-5.
const EPSILON: f64 = 1e-8;

/// One step of Adam (Kingma & Ba, 2015), for any part of what is optimised.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    pub(crate) learning_rate: f64,
    /// Number of the step, from 1.
    pub(crate) step: i32,
}

/// What is optimised and the means of its gradients and of their squares, zeros at the start; all of one shape.
#[derive(Debug, Clone)]
pub(crate) struct Optimised {
    pub(crate) x: Tensor<4>,
    pub(crate) first: Tensor<4>,
    pub(crate) second: Tensor<4>,
}

impl Optimised {
    pub(crate) fn new(x: Tensor<4>) -> Self {
        let zeros = || match x.device() == Device::flex() {
            // Memory that the system hands out is 0 already.
            true => upload(vec![0.0; x.shape().num_elements()], x.dims(), &x.device()),
            false => x.zeros_like(),
        };
        Self { first: zeros(), second: zeros(), x }
    }
}

impl Adam {
    /// What one step does to every number.
    pub(crate) fn rates(self) -> Rates {
        let [corrected1, corrected2] = [BETA1, BETA2].map(|beta| 1.0 - beta.powi(self.step));
        Rates { second: corrected2 as f32, rate: (self.learning_rate / corrected1) as f32 }
    }

    /// `part` after the step along `gradient`.
    pub(crate) fn update(self, part: Optimised, gradient: Tensor<4>) -> Optimised {
        let squared = gradient.clone() * gradient.clone();
        let first = part.first * BETA1 + gradient * (1.0 - BETA1);
        let second = part.second * BETA2 + squared * (1.0 - BETA2);
        let rate = self.learning_rate / (1.0 - BETA1.powi(self.step));
        let deviation = (second.clone() / (1.0 - BETA2.powi(self.step))).sqrt() + EPSILON;
        Optimised { x: part.x - first.clone() / deviation * rate, first, second }
    }
}

/// A step's constants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// What the mean of squares is short of by its start at 0.
    second: f32,
    /// The learning rate, corrected for the start of the other mean.
    rate: f32,
}

impl Rates {
    /// One number, and the means of its gradients, after the step along `gradient`.
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

    /// The textbook recurrence on one number.
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
        let mut optimised = Optimised::new(Tensor::zeros([1, 1, 1, 1], &Device::flex()));
        for (step, g) in (1..).zip(gradients) {
            let gradient = Tensor::full([1, 1, 1, 1], g, &Device::flex());
            optimised = Adam { learning_rate: 1.0, step }.update(optimised, gradient);
        }
        let (found, expected) = (f64::from(optimised.x.into_scalar::<f32>()), reference(&gradients));
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}
