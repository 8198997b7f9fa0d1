//! Rounding of an image to the levels of a file.

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::{Device, Tensor},
};
use burn_flex::FlexTensor;
use rayon::prelude::*;
use simd::Level;

use crate::planes::{CHUNK, ordered};

/// Bits per channel of a released image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// 8 bits, the depth of nearly all image files.
    #[default]
    Eight,
    /// 16 bits, for originals of that depth.
    Sixteen,
}

impl Depth {
    /// Level of the pixel value 1.0.
    pub fn top(self) -> f32 {
        match self {
            Self::Eight => 255.0,
            Self::Sixteen => 65535.0,
        }
    }
}

/// Level nearest to a value, which is clamped to [0, 1].
#[inline(always)]
pub(super) fn nearest_level(value: f32, depth: Depth) -> f32 {
    (value.clamp(0.0, 1.0) * depth.top()).round()
}

/// Nearest image that a file of this depth can hold: clamped to [0, 1] and rounded to its levels.
///
/// # Shapes
/// Any shape is kept.
pub fn round_to(pixels: Tensor<4>, depth: Depth) -> Tensor<4> {
    if pixels.device() == Device::flex() {
        return Tensor::from_dispatch(Dispatch::round_to_levels(pixels.into_dispatch(), depth.top()));
    }
    (pixels.clamp(0.0, 1.0) * depth.top()).round() / depth.top()
}

/// Backend operation of this module.
#[backend_extension(Flex)]
pub trait RoundingBackend: Backend {
    /// Values clamped to [0, 1] and rounded to multiples of `1 / top`.
    fn round_to_levels(pixels: FloatTensor<Self>, top: f32) -> FloatTensor<Self>;
}

impl RoundingBackend for Flex {
    fn round_to_levels(pixels: FlexTensor, top: f32) -> FlexTensor {
        let mut pixels = ordered(pixels);
        pixels.storage_mut::<f32>().par_chunks_mut(CHUNK).for_each(|values| round(values, top));
        pixels
    }
}

/// Rounds values in place. A loop rather than an iterator's closure, so that [`Level::run`] compiles it for its level.
fn round(values: &mut [f32], top: f32) {
    Level::detected().run(
        #[inline(always)]
        || {
            for value in values {
                *value = (value.clamp(0.0, 1.0) * top).round() / top;
            }
        },
    );
}
