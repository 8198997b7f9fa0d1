//! The paper's perturbation of an image.

use std::ops::Range;

use burn::tensor::Tensor;
use device_math::{constants::lifted, transfer::upload};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use rayon::prelude::*;

use crate::jnd::jnd_map;

/// Weights of the amplitude of R, G and B; a change of blue is the least visible.
const CHANNEL_WEIGHTS: [f32; 3] = [0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114];
/// Standard deviation of the initial noise.
const START_DEVIATION: f32 = 1e-6;
/// Number of noise values per random stream. Each thread draws whole streams, so the number of threads does not matter.
const STREAM_LENGTH: usize = 1 << 16;

/// Perturbation `S_c * H * tanh(delta)` of an image, per pixel and channel, with the JND map `H` (paper, section
/// 3.3). The amplitude is `S_c = strength * std_c * weight_c` in pixels of [0, 1], because the strength is given in
/// the extractor's normalised space.
#[derive(Debug, Clone)]
pub struct Perturbation {
    original: Tensor<4>,
    /// JND map, `[1, 1, h, w]`.
    map: Tensor<4>,
    /// `S_c`, `[1, 3, 1, 1]`.
    per_channel: Tensor<4>,
    /// `S_c`.
    amplitudes: [f32; 3],
    /// Deviation of each channel.
    std: [f32; 3],
}

impl Perturbation {
    /// Perturbation of `original`, `[1, 3, h, w]` in [0, 1], with the strength in the normalised space whose unit is
    /// `std`.
    pub fn new(original: Tensor<4>, strength: f64, std: [f32; 3]) -> Self {
        let device = original.device();
        let amplitude = |c: usize| std[c] * CHANNEL_WEIGHTS[c] * strength as f32;
        let amplitudes = std::array::from_fn(amplitude);
        let per_channel = upload(amplitudes.to_vec(), [1, 3, 1, 1], &device);
        let map = jnd_map(original.clone());
        Self { original, map, per_channel, amplitudes, std }
    }

    /// Initial `delta`: Gaussian noise of standard deviation 1e-6, `[1, 3, h, w]`.
    pub fn start(&self, seed: u64) -> Tensor<4> {
        let shape = self.original.dims();
        let noise = Normal::new(0.0, START_DEVIATION).expect("the deviation is positive");
        let mut values = vec![0.0; shape.iter().product()];
        values.par_chunks_mut(STREAM_LENGTH).enumerate().for_each(|(stream, values)| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream as u64);
            values.iter_mut().zip(noise.sample_iter(&mut rng)).for_each(|(value, noise)| *value = noise);
        });
        upload(values, shape, &self.original.device())
    }

    /// Change that `delta` makes to the image, without the rounding of the changed pixels.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    pub fn change(&self, delta: Tensor<4>) -> Tensor<4> {
        let (map, per_channel) = (lifted(&self.map, &delta), lifted(&self.per_channel, &delta));
        // In this order each product can overwrite the last one.
        delta.tanh() * map * per_channel
    }

    /// Original image, `[1, 3, h, w]`.
    pub(crate) fn original(&self) -> &Tensor<4> {
        &self.original
    }

    /// JND map, `[1, 1, h, w]`.
    pub(crate) fn map(&self) -> &Tensor<4> {
        &self.map
    }

    /// Amplitude of each channel, `S_c`.
    pub(crate) fn amplitudes(&self) -> [f32; 3] {
        self.amplitudes
    }

    /// Deviation of each channel, the unit of normalised space.
    pub(crate) fn std(&self) -> [f32; 3] {
        self.std
    }

    /// Largest change, `S_c * H`, of some rows.
    ///
    /// # Shapes
    /// `[1, 3, rows, w]`
    pub(crate) fn amplitude(&self, rows: Range<usize>) -> Tensor<4> {
        let [_, _, _, width] = self.map.dims();
        self.map.clone().slice([0..1, 0..1, rows, 0..width]) * self.per_channel.clone()
    }

    /// Image plus a change, not clamped. The optimisation differentiates this sum.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    pub fn apply(&self, change: Tensor<4>) -> Tensor<4> {
        let original = lifted(&self.original, &change);
        change + original
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use extractor::IMAGENET_STD;

    #[test]
    fn never_exceeds_strength_times_the_map() {
        let device = Device::flex();
        let grey = Tensor::<4>::full([1, 3, 8, 8], 0.5, &device);
        let perturbation = Perturbation::new(grey, 3.0, IMAGENET_STD);
        let change = perturbation.change(Tensor::full([1, 3, 8, 8], 1e9, &device));
        let blue = change.slice([0..1, 2..3, 4..5, 4..5]).into_scalar::<f32>();
        let expected = 3.0 * 0.225 * (0.072 / 0.114) * 5.0 / 255.0;
        assert!((blue - expected).abs() < 1e-6, "{blue} for {expected}");
    }

    #[test]
    fn the_seed_fixes_the_start() {
        let perturbation = Perturbation::new(Tensor::zeros([1, 3, 4, 5], &Device::flex()), 3.0, IMAGENET_STD);
        let start = |seed| perturbation.start(seed).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(start(1), start(1));
        assert_ne!(start(1), start(2));
        assert!(start(1).iter().all(|v| v.abs() < 1e-5));
    }

    #[test]
    fn threads_change_nothing_and_no_noise_repeats() {
        let perturbation =
            Perturbation::new(Tensor::zeros([1, 3, 300, 200], &Device::flex()), 3.0, IMAGENET_STD);
        let start = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| perturbation.start(7).into_data().try_to_vec::<f32>().unwrap())
        };
        let one = start(1);
        assert!(one.len() > 2 * STREAM_LENGTH);
        assert_eq!(one, start(3));
        assert_ne!(one[..100], one[STREAM_LENGTH..][..100]);
        let squared: f64 = one.iter().map(|x| f64::from(x / START_DEVIATION).powi(2)).sum();
        // The standard deviation of the mean of so many squares is 0.0033.
        assert!((squared / one.len() as f64 - 1.0).abs() < 0.02, "{squared} of {}", one.len());
    }
}
