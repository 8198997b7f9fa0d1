use burn::tensor::Tensor;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
/// The paper's and PyTorch's; burn's own optimiser has 1e-5.
const EPSILON: f64 = 1e-8;

/// Adam (Kingma & Ba, 2015) on one tensor.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    learning_rate: f64,
    steps: i32,
    mean: Option<[Tensor<4>; 2]>,
}

impl Adam {
    pub(crate) fn new(learning_rate: f64) -> Self {
        Self { learning_rate, steps: 0, mean: None }
    }

    /// `x` after one step along `gradient`.
    pub(crate) fn step(&mut self, x: Tensor<4>, gradient: Tensor<4>) -> Tensor<4> {
        self.steps += 1;
        let squared = gradient.clone() * gradient.clone();
        let [first, second] = match self.mean.take() {
            Some([first, second]) => {
                [first * BETA1 + gradient * (1.0 - BETA1), second * BETA2 + squared * (1.0 - BETA2)]
            }
            None => [gradient * (1.0 - BETA1), squared * (1.0 - BETA2)],
        };
        self.mean = Some([first.clone(), second.clone()]);
        let rate = self.learning_rate / (1.0 - BETA1.powi(self.steps));
        let deviation = (second / (1.0 - BETA2.powi(self.steps))).sqrt() + EPSILON;
        x - first / deviation * rate
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
        let mut adam = Adam::new(1.0);
        let mut x = Tensor::<4>::zeros([1, 1, 1, 1], &Device::flex());
        for g in gradients {
            x = adam.step(x.clone(), Tensor::full([1, 1, 1, 1], g, &Device::flex()));
        }
        let (found, expected) = (f64::from(x.into_scalar::<f32>()), reference(&gradients));
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}
