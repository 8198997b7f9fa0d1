//! Preprocessing: from pixels to the network's input.

mod resize;

use burn::tensor::Tensor;
use device_math::{constants::lifted, transfer::upload};
use serde::{Deserialize, Serialize};

pub use resize::{resize_antialiased, resize_transposed};

/// Mean of the RGB channels of ImageNet, in [0, 1].
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of the RGB channels of ImageNet, in [0, 1].
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Rule for the size of the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Sets height and width to the size, whatever the aspect ratio, as active indexing does.
    #[default]
    Stretch,
    /// Sets the short edge to the size and keeps the aspect ratio, as SSCD's own evaluation does.
    ShortEdge,
}

/// Resize and normalisation of images: `(pixel - mean) / std` per channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Edge of the network's input, in pixels.
    pub size: usize,
    /// Rule for the other edge.
    pub resize: Resize,
    /// Mean of each RGB channel, in [0, 1], subtracted from the pixels.
    pub mean: [f32; 3],
    /// Standard deviation of each RGB channel, in [0, 1], by which the centred pixels are divided: a change of 1 in the
    /// normalised space of this extractor is a change of `std` in pixels.
    pub std: [f32; 3],
}

impl Default for Preprocess {
    /// SSCD's: stretched to 288 x 288, ImageNet's mean and deviation.
    fn default() -> Self {
        Self { size: 288, resize: Resize::Stretch, mean: IMAGENET_MEAN, std: IMAGENET_STD }
    }
}

impl Preprocess {
    /// The network's input for `pixels`: [`Self::resize`], then [`Self::normalize`].
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 3, h', w']` normalised, `h'` and `w'` from [`Self::output`]
    ///
    /// # Panics
    /// If the tensor does not have 3 channels, or a side is empty.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<4> {
        self.normalize(self.resize(pixels))
    }

    /// The pixels at the size of the network's input.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, 3, h', w']`, `h'` and `w'` from [`Self::output`]
    ///
    /// # Panics
    /// If a side is empty.
    pub fn resize(&self, pixels: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = pixels.dims();
        resize_antialiased(pixels, self.output(h, w))
    }

    /// Height and width of the network's input for an image of `h` x `w` pixels.
    pub fn output(&self, h: usize, w: usize) -> [usize; 2] {
        let scaled = |edge: usize| (self.size * edge / h.min(w)).max(1);
        match self.resize {
            Resize::Stretch => [self.size, self.size],
            Resize::ShortEdge => [scaled(h), scaled(w)],
        }
    }

    /// Subtracts the mean and divides by the deviation.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 3, h, w]`
    ///
    /// # Panics
    /// If the tensor does not have 3 channels.
    pub fn normalize(&self, pixels: Tensor<4>) -> Tensor<4> {
        let device = pixels.device().inner();
        let per_channel = |values: [f32; 3]| upload(values.to_vec(), [1, 3, 1, 1], &device);
        let mean = lifted(&per_channel(self.mean), &pixels);
        let std = lifted(&per_channel(self.std), &pixels);
        (pixels - mean) / std
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_edge_keeps_the_aspect_ratio() {
        let preprocess = Preprocess { resize: Resize::ShortEdge, ..Preprocess::default() };
        assert_eq!(preprocess.output(400, 300), [384, 288]);
        assert_eq!(preprocess.output(300, 400), [288, 384]);
        assert_eq!(Preprocess::default().output(300, 400), [288, 288]);
    }
}
