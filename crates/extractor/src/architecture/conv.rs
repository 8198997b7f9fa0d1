use burn::tensor::{
    Device, FloatDType, Tensor,
    activation::relu,
    ops::{ConvOptions, PadMode},
};
use unrounded::Filter;

use super::{Loaded, Place};
use crate::weights::{Checkpoint, CheckpointError};

/// What is around the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Nothing.
    None,
    /// `k / 2` zeros on every side.
    Half,
    /// As many zeros as give `ceil(side / stride)` outputs, the odd one behind: TensorFlow's `SAME`.
    Same,
}

/// What a tensor does not tell of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Edge of the kernel.
    pub size: usize,
    /// Step of the kernel.
    pub stride: usize,
    /// What is around the image.
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
    /// The convolution `name` of an input of `from` channels; both tell how many groups there are.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen.
    pub fn load(c: &Checkpoint, name: &str, from: usize, window: Window, device: &Device) -> Loaded<Self> {
        let Tensors { weight, bias, groups } = Tensors::load(c, name, from, window, device)?;
        Ok(Self { weight: Filter::new(weight), bias, window, groups })
    }

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

    /// Channels of the output.
    pub fn out(&self) -> usize {
        self.bias.dims()[0]
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.bias.device()
    }
}

/// What a file has of a convolution.
struct Tensors {
    weight: Tensor<4>,
    bias: Tensor<1>,
    groups: usize,
}

impl Tensors {
    fn load(c: &Checkpoint, name: &str, from: usize, window: Window, device: &Device) -> Loaded<Self> {
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

/// A convolution of images with channels last, fused with what follows it where it has no groups.
#[derive(Debug, Clone)]
pub enum Fused {
    /// By the kernels of frozen networks.
    Frozen(frozen_ops::Conv),
    /// By burn's operations, in single precision.
    Grouped(Box<Conv>),
}

impl Fused {
    /// As [`Conv::load`], in a precision where it has no groups.
    ///
    /// # Errors
    /// Those of [`Conv::load`]; a precision that cannot be computed in.
    pub fn load(c: &Checkpoint, name: &str, from: usize, window: Window, place: &Place) -> Loaded<Self> {
        let Tensors { weight, bias, groups } = Tensors::load(c, name, from, window, &place.device)?;
        if groups > 1 || window.padding == Padding::Same {
            return Ok(Self::Grouped(Box::new(Conv { weight: Filter::new(weight), bias, window, groups })));
        }
        let Window { size, stride, padding } = window;
        let padding = if padding == Padding::Half { size / 2 } else { 0 };
        let window = frozen_ops::Window { size, stride, padding };
        let frozen = frozen_ops::Conv::with_precision(weight, bias, window, place.precision);
        frozen.map(Self::Frozen).map_err(|e| CheckpointError::Network(format!("convolution `{name}`: {e}")))
    }

    /// `relu(conv(x) + residual)`, both as asked for.
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

    /// The convolution, if it is one of frozen networks.
    pub fn frozen(&self) -> Option<frozen_ops::Conv> {
        match self {
            Self::Frozen(conv) => Some(conv.clone()),
            Self::Grouped(_) => None,
        }
    }

    /// Channels of the output.
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
