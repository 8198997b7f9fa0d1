//! Descent of the paper's perturbation by Adam.
//!
//! The perturbation has the size of the image, which may be far larger than the network's input. The autodiff graph
//! therefore begins at the changed pixels, and the few operations before it are differentiated by hand, in bands. A
//! step holds the original, its JND map, the perturbation, Adam's two means, the changed pixels and their gradient:
//! 76 bytes per pixel, whatever the size of the image.

mod adam;
mod bands;
mod fused_step;
mod perturbation;
mod tanh;

use burn::tensor::{Device, Tensor};
use device_math::transfer::upload;

pub use self::perturbation::Perturbation;
use self::{
    adam::{Adam, AdamState},
    bands::{BAND, Gradients},
    fused_step::StepConstants,
};
use super::changed_image::ChangedImage;
use crate::Masked;

/// Descent of one image. All tensors are `[1, 3, h, w]` unless noted otherwise.
pub(crate) struct MaskedDescent {
    perturbation: Perturbation,
    settings: Masked,
    /// `delta`, and the means of its gradients.
    delta: AdamState,
    /// Gradient of the weighted image term per unit of change, `[1, 3, 1, 1]`.
    image_weight: Tensor<4>,
    /// Image changed by the current `delta`.
    changed: ChangedImage,
    /// True for the CPU, which computes each step in one pass.
    on_cpu: bool,
    /// Pixels of a band on other devices.
    band: usize,
}

impl MaskedDescent {
    /// Descent from `start`, or from noise of the seed. `std` are the network's deviations.
    pub(crate) fn new(
        original: Tensor<4>,
        settings: Masked,
        std: [f32; 3],
        start: Option<Tensor<4>>,
        seed: u64,
    ) -> Self {
        let perturbation = Perturbation::new(original, settings.strength, std);
        let start = start.unwrap_or_else(|| perturbation.start(seed));
        let on_cpu = start.device() == Device::flex();
        Self::computed_by(perturbation, settings, start, on_cpu, BAND)
    }

    /// Descent from `start` on the CPU's own path, or on that of every device in bands of `band` pixels.
    fn computed_by(
        perturbation: Perturbation,
        settings: Masked,
        start: Tensor<4>,
        on_cpu: bool,
        band: usize,
    ) -> Self {
        let changed = if on_cpu {
            fused_step::changed_image(&perturbation, &start)
        } else {
            bands::changed_image(&perturbation, &start, band)
        };
        let image_weight = image_weights(&perturbation, settings.lambda_i);
        let image_weight = upload(image_weight.to_vec(), [1, 3, 1, 1], &start.device());
        Self { perturbation, settings, delta: AdamState::new(start), image_weight, changed, on_cpu, band }
    }

    /// The changed image, not clamped.
    pub(in crate::descent) fn changed(&self) -> ChangedImage {
        self.changed.clone()
    }

    /// Descent after one step of Adam. `gradient` is that of the weighted descriptor term with respect to the changed
    /// pixels; the step adds the gradient of the image term, `lambda_i` times the mean squared change in normalised
    /// space.
    pub(crate) fn step(self, gradient: Tensor<4>, iteration: usize) -> Self {
        let Self { perturbation, settings, delta, image_weight, changed: last, on_cpu, band } = self;
        drop(last);
        let adam = Adam { learning_rate: settings.learning_rate, step: iteration as i32 + 1 };
        let (delta, changed) = if on_cpu {
            let amplitude = perturbation.amplitudes();
            let image_weight = image_weights(&perturbation, settings.lambda_i);
            let constants = StepConstants { amplitude, image_weight, adam };
            fused_step::step(&perturbation, delta, gradient, constants)
        } else {
            let gradients = Gradients { descriptor: gradient, image_weight: &image_weight };
            let delta = bands::step(&perturbation, delta, gradients, adam, band);
            let changed = bands::changed_image(&perturbation, &delta.x, band);
            (delta, changed)
        };
        Self { perturbation, settings, delta, image_weight, changed, on_cpu, band }
    }

    /// Pixels of the changed image, not clamped.
    pub(crate) fn finish(self) -> Tensor<4> {
        self.changed.pixels
    }
}

/// Gradient of `lambda_i` times the mean squared change in normalised space, per unit of change of each channel.
fn image_weights(perturbation: &Perturbation, lambda_i: f64) -> [f32; 3] {
    let [_, _, height, width] = perturbation.map().dims();
    perturbation.std().map(|std| 2.0 * lambda_i as f32 / (3 * height * width) as f32 / (std * std))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;
    use extractor::IMAGENET_STD;

    /// Pixels after two steps along made-up gradients, and the mean squared change before the second.
    fn descended(on_cpu: bool, band: usize) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex();
        let values = |salt: usize| {
            let values = (0..3 * 11 * 7).map(|i| ((i * 7919 + salt * 331) % 251) as f32 / 251.0).collect();
            Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, 11, 7]), &device)
        };
        let start = values(1) * 0.1;
        let (perturbation, settings) = (Perturbation::new(values(0), 3.0, IMAGENET_STD), Masked::default());
        let descent = MaskedDescent::computed_by(perturbation, settings, start, on_cpu, band);
        let descent = descent.step(values(2) - 0.5, 0);
        let squared = descent.changed().mean_squares;
        let descent = descent.step(values(3) - 0.5, 1);
        let read = |data: TensorData| data.try_to_vec::<f32>().unwrap();
        (read(descent.finish().into_data()), read(squared.into_data()))
    }

    #[test]
    fn the_image_term_is_in_normalised_space() {
        let weights = |std| {
            let original = Tensor::zeros([1, 3, 5, 4], &Device::flex());
            image_weights(&Perturbation::new(original, 3.0, std), 0.01)
        };
        // The derivative of 0.01 * mean((x / std)^2) over 60 values is 0.02 / 60 / std^2 per unit of x.
        let near = |found: [f32; 3], std: [f32; 3]| {
            found.iter().zip(std).all(|(found, std)| (found * std * std * 3000.0 - 1.0).abs() < 1e-5)
        };
        for std in [IMAGENET_STD, [0.5; 3]] {
            assert!(near(weights(std), std), "{:?} for {std:?}", weights(std));
        }
    }

    #[test]
    fn bands_change_nothing() {
        let (whole, squared) = descended(false, BAND);
        for band in [1, 14, 30] {
            let (banded, sums) = descended(false, band);
            assert_eq!(whole, banded, "bands of {band}");
            // Only the order of summation differs.
            assert!(sums.iter().zip(&squared).all(|(a, b)| (a - b).abs() < 1e-6 * b));
        }
    }

    #[test]
    fn the_fused_step_of_the_cpu_matches_the_bands_of_every_device() {
        let ((pixels, squared), (found, sums)) = (descended(false, BAND), descended(true, BAND));
        assert!(found.iter().zip(&pixels).all(|(a, b)| (a - b).abs() < 1e-6), "pixels");
        assert!(sums.iter().zip(&squared).all(|(a, b)| (a - b).abs() < 1e-5 * b), "squared changes");
    }
}
