//! Tiny network, and images and vectors for it.

use active_index_activate::{
    DescriptorNetwork, Masked, Optimiser, Settings,
    burn::tensor::{Device, Tensor, TensorData, module::conv2d, ops::ConvOptions},
    extractor::{IMAGENET_STD, resize_antialiased},
};
use device_math::constants::lifted;

/// Smooth network: resize, one convolution, tanh, mean, projection, L2 norm.
#[derive(Debug)]
pub struct Tiny {
    kernel: Tensor<4>,
    projection: Tensor<2>,
    std: [f32; 3],
}

impl Tiny {
    pub fn new(device: &Device) -> Self {
        Self::with_std(IMAGENET_STD, device)
    }

    /// Network with these deviations of its normalised space; descriptors do not depend on them.
    pub fn with_std(std: [f32; 3], device: &Device) -> Self {
        let kernel: Vec<f32> = (0..4 * 3 * 9).map(|i| ((i * 37 % 23) as f32 - 11.0) / 11.0).collect();
        let projection: Vec<f32> = (0..4 * 8).map(|i| ((i * 29 % 17) as f32 - 8.0) / 8.0).collect();
        Self {
            kernel: Tensor::from_data(TensorData::new(kernel, [4, 3, 3, 3]), device),
            projection: Tensor::from_data(TensorData::new(projection, [4, 8]), device),
            std,
        }
    }
}

impl DescriptorNetwork for Tiny {
    fn dimension(&self) -> usize {
        8
    }

    fn std(&self) -> [f32; 3] {
        self.std
    }

    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
        resize_antialiased(pixels, [6, 6])
    }

    fn describe(&self, input: Tensor<4>) -> Tensor<2> {
        let kernel = lifted(&self.kernel, &input);
        let features = conv2d(input, kernel, None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1)).tanh();
        let pooled: Tensor<2> = features.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
        let y = pooled.clone().matmul(lifted(&self.projection, &pooled));
        let norm = y.clone().powi_scalar(2).sum_dim(1).sqrt();
        y / norm
    }
}

/// Image of dots of many colours, `[1, 3, h, w]`.
pub fn photo(device: &Device, h: usize, w: usize) -> Tensor<4> {
    let values: Vec<f32> = (0..3 * h * w).map(|i| ((i * 7919 % 251) as f32) / 251.0).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, h, w]), device)
}

/// Vectors in many directions, always the same.
pub fn spread(shape: [usize; 2], device: &Device) -> Tensor<2> {
    let values: Vec<f32> =
        (0..shape[0] * shape[1]).map(|i| ((i * 7919 % 199) as f32 - 99.0) / 99.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Settings of the paper's method with a perturbation of this strength.
pub fn paper(strength: f64) -> Settings {
    Settings { optimiser: Optimiser::Adam(Masked { strength, ..Masked::default() }), ..Settings::paper() }
}
