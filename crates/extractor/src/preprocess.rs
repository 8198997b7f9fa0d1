use burn::tensor::Tensor;
use device_math::transfer::upload;
use serde::{Deserialize, Serialize};

use crate::{constant::beside, resampling::resampling};

/// Mean of the RGB channels of ImageNet, in [0, 1].
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of the RGB channels of ImageNet, in [0, 1].
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// How an image is brought to the size of the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Height and width both become the size, whatever the aspect ratio: what active indexing uses.
    #[default]
    Stretch,
    /// The short edge becomes the size and the aspect ratio is kept: what SSCD's own evaluation uses.
    ShortEdge,
}

/// From pixels to the network's input: resize, then subtract a mean and divide by a deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Edge of the network's input, in pixels.
    pub size: usize,
    /// How the image is brought to that size.
    pub resize: Resize,
    /// What is subtracted from the RGB channels, in [0, 1].
    pub mean: [f32; 3],
    /// What they are divided by then.
    pub std: [f32; 3],
}

impl Default for Preprocess {
    /// 288 x 288, stretched, ImageNet's mean and deviation: SSCD's.
    fn default() -> Self {
        Self { size: 288, resize: Resize::Stretch, mean: IMAGENET_MEAN, std: IMAGENET_STD }
    }
}

impl Preprocess {
    /// The network's input for `pixels`.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 3, h', w']` normalised, `h'` and `w'` from [`Preprocess::output`].
    ///
    /// # Panics
    /// If the tensor has not 3 channels, or an empty side.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<4> {
        self.normalize(self.resize(pixels))
    }

    /// The first half of [`Self::forward`].
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, 3, h', w']`, `h'` and `w'` from [`Preprocess::output`].
    ///
    /// # Panics
    /// If a side is empty.
    pub fn resize(&self, pixels: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = pixels.dims();
        resize_antialiased(pixels, self.output(h, w))
    }

    /// Height and width of the network's input for an image of `h` x `w`.
    pub fn output(&self, h: usize, w: usize) -> [usize; 2] {
        let scaled = |edge: usize| (self.size * edge / h.min(w)).max(1);
        match self.resize {
            Resize::Stretch => [self.size, self.size],
            Resize::ShortEdge => [scaled(h), scaled(w)],
        }
    }

    /// The second half of [`Self::forward`]: less the mean, divided by the deviation.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 3, h, w]`
    ///
    /// # Panics
    /// If the tensor has not 3 channels.
    pub fn normalize(&self, pixels: Tensor<4>) -> Tensor<4> {
        let device = pixels.device().inner();
        let per_channel = |values: [f32; 3]| upload(values.to_vec(), [1, 3, 1, 1], &device);
        let mean = beside(&per_channel(self.mean), &pixels);
        let std = beside(&per_channel(self.std), &pixels);
        (pixels - mean) / std
    }
}

/// Antialiased bilinear resize, as torchvision's on tensors: a product with a banded matrix on either side, exact and
/// differentiable.
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c, out[0], out[1]]`
///
/// # Panics
/// If a side is empty.
pub fn resize_antialiased(pixels: Tensor<4>, out: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = pixels.dims();
    if [h, w] == out {
        return pixels;
    }
    resampling([h, w], out, &pixels.device().inner()).forward(pixels)
}

/// The transpose of [`resize_antialiased`]: what a gradient to the resized image is to one of `from[0]` x `from[1]`.
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c, from[0], from[1]]`
///
/// # Panics
/// If a side is empty.
pub fn resize_transposed(gradient: Tensor<4>, from: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = gradient.dims();
    if [h, w] == from {
        return gradient;
    }
    resampling(from, [h, w], &gradient.device().inner()).transposed(gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn constant_images_stay_constant_at_any_aspect_ratio() {
        let device = Device::flex();
        for (h, w) in [(40, 300), (300, 40)] {
            let grey = Tensor::<4>::full([1, 3, h, w], 0.25, &device);
            let resized = resize_antialiased(grey, [288, 288]);
            assert!((resized - 0.25).abs().max().into_scalar::<f32>() < 1e-6);
        }
    }

    #[test]
    fn the_transpose_is_the_gradient() {
        let device = Device::flex();
        let gradient = Tensor::<4>::random([1, 3, 5, 8], burn::tensor::Distribution::Default, &device);
        let pixels = Tensor::<4>::zeros([1, 3, 12, 7], &device).autodiff().require_grad();
        let product = resize_antialiased(pixels.clone(), [5, 8]) * gradient.clone().autodiff();
        let expected = pixels.grad_remove(&mut product.sum().backward()).unwrap();
        let difference = resize_transposed(gradient, [12, 7]) - expected;
        assert!(difference.abs().max().into_scalar::<f32>() < 1e-6);
    }

    #[test]
    fn short_edge_keeps_the_aspect_ratio() {
        let preprocess = Preprocess { resize: Resize::ShortEdge, ..Preprocess::default() };
        assert_eq!(preprocess.output(400, 300), [384, 288]);
        assert_eq!(preprocess.output(300, 400), [288, 384]);
        assert_eq!(Preprocess::default().output(300, 400), [288, 288]);
    }
}
