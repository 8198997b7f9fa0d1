//! Convolutions of frozen networks, batch norm folded in: by burn's operations, or by the kernels of `frozen-ops`.

use burn::tensor::{
    Device, FloatDType, Tensor,
    activation::relu,
    ops::{ConvOptions, PadMode},
};
use device_math::exact_products::Filter;

use super::placement::Placement;
use crate::checkpoint::{Checkpoint, CheckpointError, Result};

/// Zeros added around an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// None.
    None,
    /// `k / 2` zeros on every side.
    Half,
    /// TensorFlow's `SAME`: as many zeros as give `ceil(side / stride)` outputs, an odd one at the right or bottom.
    Same,
}

/// Kernel size, stride and padding of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Edge of the kernel.
    pub size: usize,
    /// Step of the kernel, in pixels.
    pub stride: usize,
    /// Zeros added around the image.
    pub padding: Padding,
}

/// A convolution with its batch norm folded in: weight `[out, in / groups, k, k]`, bias `[out]`.
#[derive(Debug, Clone)]
pub struct Conv {
    weight: Filter,
    bias: Tensor<1>,
    window: Window,
    groups: usize,
}

impl Conv {
    /// Loads the convolution `name` for an input of `from` channels. The number of groups is `from` divided by the
    /// channels of a kernel.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen.
    pub fn load(c: &Checkpoint, name: &str, from: usize, window: Window, device: &Device) -> Result<Self> {
        let Tensors { weight, bias, groups } = Tensors::load(c, name, from, window, device)?;
        Ok(Self { weight: Filter::new(weight), bias, window, groups })
    }

    /// The output of the convolution.
    ///
    /// # Shapes
    /// `[n, from, h, w]` -> `[n, out, h', w']`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Window { size, stride, padding } = self.window;
        let around = if padding == Padding::Half { size / 2 } else { 0 };
        let x = if padding == Padding::Same { self.pad(x) } else { x };
        let options = ConvOptions::new([stride; 2], [around; 2], [1, 1], self.groups);
        self.weight.conv2d(x, &self.bias, options)
    }

    fn pad(&self, x: Tensor<4>) -> Tensor<4> {
        let Window { size, stride, .. } = self.window;
        let [_, _, h, w] = x.dims();
        let missing = |side: usize| ((side.div_ceil(stride) - 1) * stride + size).saturating_sub(side);
        let [top, left] = [h, w].map(|side| missing(side) / 2);
        let [bottom, right] = [missing(h) - top, missing(w) - left];
        if top + left + bottom + right == 0 {
            return x;
        }
        x.pad((left, right, top, bottom), PadMode::Constant(0.0))
    }

    /// Number of channels of the output.
    pub fn out(&self) -> usize {
        self.bias.dims()[0]
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.bias.device()
    }
}

/// The tensors of a convolution, and its number of groups.
struct Tensors {
    weight: Tensor<4>,
    bias: Tensor<1>,
    groups: usize,
}

impl Tensors {
    fn load(c: &Checkpoint, name: &str, from: usize, window: Window, device: &Device) -> Result<Self> {
        let weight = format!("{name}.weight");
        let shape: [usize; 4] = c.shape(&weight)?;
        let [out, per_group, height, width] = shape;
        let groups = from.checked_div(per_group).unwrap_or(0);
        let fits = groups > 0 && groups * per_group == from && out > 0 && out % groups == 0;
        if !fits || [height, width] != [window.size; 2] {
            let size = window.size;
            return Err(CheckpointError::Network(format!(
                "tensor `{weight}` has shape {shape:?}, expected {size} x {size} over groups of {from} channels"
            )));
        }
        let bias = c.tensor(&format!("{name}.bias"), [out], device)?;
        Ok(Self { weight: c.tensor(&weight, shape, device)?, bias, groups })
    }
}

/// A convolution of images with channels last; without groups, fused with the residual sum and the ReLU after it.
#[derive(Debug, Clone)]
pub enum Fused {
    /// Computed by the kernels of `frozen-ops`.
    Frozen(frozen_ops::Conv),
    /// Computed by burn's operations, in single precision.
    Grouped(Box<Conv>),
}

impl Fused {
    /// Loads a convolution as [`Conv::load`] does. One with groups is computed in single precision.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen, or the precision is not supported.
    pub fn load(
        c: &Checkpoint,
        name: &str,
        from: usize,
        window: Window,
        placement: &Placement,
    ) -> Result<Self> {
        let Tensors { weight, bias, groups } = Tensors::load(c, name, from, window, &placement.device)?;
        if groups > 1 || window.padding == Padding::Same {
            return Ok(Self::Grouped(Box::new(Conv { weight: Filter::new(weight), bias, window, groups })));
        }
        let Window { size, stride, padding } = window;
        let padding = if padding == Padding::Half { size / 2 } else { 0 };
        let window = frozen_ops::Window { size, stride, padding };
        let frozen = frozen_ops::Conv::with_precision(weight, bias, window, placement.precision);
        frozen.map(Self::Frozen).map_err(|e| CheckpointError::Network(format!("convolution `{name}`: {e}")))
    }

    /// `relu(conv(x) + residual)`; the residual and the ReLU are optional.
    ///
    /// # Shapes
    /// `[n, h, w, from]`, `[n, h', w', out]` -> `[n, h', w', out]`
    pub fn forward(&self, x: Tensor<4>, residual: Option<Tensor<4>>, with_relu: bool) -> Tensor<4> {
        match self {
            Self::Frozen(conv) => conv.forward(x, residual, with_relu),
            Self::Grouped(conv) => {
                let between = x.dtype();
                let x = x.cast(FloatDType::F32).permute([0, 3, 1, 2]);
                let y = conv.forward(x).permute([0, 2, 3, 1]).cast(between);
                let y = residual.into_iter().fold(y, |y, residual| y + residual);
                if with_relu { relu(y) } else { y }
            }
        }
    }

    /// The convolution of `frozen-ops`; `None` for one with groups.
    pub fn frozen(&self) -> Option<frozen_ops::Conv> {
        match self {
            Self::Frozen(conv) => Some(conv.clone()),
            Self::Grouped(_) => None,
        }
    }

    /// Number of channels of the output.
    pub fn out(&self) -> usize {
        match self {
            Self::Frozen(conv) => conv.out(),
            Self::Grouped(conv) => conv.out(),
        }
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        match self {
            Self::Frozen(conv) => conv.device(),
            Self::Grouped(conv) => conv.device(),
        }
    }
}
