use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::{
    DType, Device, FloatDType, Tensor,
    activation::relu as positive,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};

use crate::geometry::Plane;
use crate::host::HostConv;
use crate::op::{Frozen, FrozenBackend, Kept};
use crate::raw::Bf16;
use crate::{Error, Result, Window};

/// A convolution with bias whose weights never change.
#[derive(Debug, Clone)]
pub struct Conv {
    window: Window,
    device: Device,
    weights: Weights,
}

/// What numbers are rounded to before they are multiplied. Sums are in single precision; those of bf16 are rounded to it
/// again on devices other than the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Not at all.
    #[default]
    Single,
    /// 8 bits of mantissa: twice as many products at a time on processors that have AVX-512 with bf16, and the matrix units
    /// of GPUs. Winograd's filtering on the CPU, which would amplify the rounding, stays in single precision.
    Bf16,
}

/// Multiplications of matrix products, by pass; those of transforms are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplications {
    /// Of [`Conv::forward`].
    pub forward: usize,
    /// Of [`Conv::input_gradient`].
    pub gradient: usize,
}

#[derive(Debug, Clone)]
enum Weights {
    Host(Arc<HostConv>),
    Device(Box<Placed>),
}

/// Weights on a device other than the CPU.
#[derive(Debug, Clone)]
struct Placed {
    /// `[to, from, size, size]`, rounded to what is multiplied.
    weight: Tensor<4>,
    /// `[to]`.
    bias: Tensor<1>,
    precision: Precision,
}

impl Placed {
    fn new(weight: Tensor<4>, bias: Tensor<1>, precision: Precision) -> Self {
        let weight = match precision {
            Precision::Single => weight,
            Precision::Bf16 => weight.cast(FloatDType::BF16),
        };
        Self { weight, bias, precision }
    }

    /// `conv(x) + bias`, `[n, h, w, from]` -> `[n, h', w', to]`.
    fn forward(&self, x: Tensor<4>, options: ConvOptions<2>) -> Tensor<4> {
        let autodiff = x.is_autodiff();
        let (x, weight) = (channels_first(x), beside(&self.weight, autodiff));
        let bias = beside(&self.bias, autodiff);
        match self.precision {
            Precision::Single => channels_last(conv2d(x, weight, Some(bias), options)),
            Precision::Bf16 => {
                let sum = conv2d(x.cast(FloatDType::BF16), weight, None, options).cast(FloatDType::F32);
                channels_last(sum) + bias.unsqueeze()
            }
        }
    }
}

impl Conv {
    /// A convolution with `weight` `[to, from, size, size]` and `bias` `[to]`, on their device, in single precision.
    ///
    /// # Errors
    ///
    /// Those of [`Self::with_precision`].
    pub fn new(weight: Tensor<4>, bias: Tensor<1>, window: Window) -> Result<Self> {
        Self::with_precision(weight, bias, window, Precision::Single)
    }

    /// A convolution with `weight` `[to, from, size, size]` and `bias` `[to]`, on their device.
    ///
    /// # Errors
    ///
    /// A window that is not the weights'; no taps, stride or channels; padding as large as the window; another number
    /// of biases; weights that cannot be read; bf16 where it cannot be computed.
    pub fn with_precision(
        weight: Tensor<4>,
        bias: Tensor<1>,
        window: Window,
        precision: Precision,
    ) -> Result<Self> {
        let [to, from, h, w] = weight.dims();
        check("window of the weights", [h, w] == [window.size; 2], window.size, format!("{h} x {w}"))?;
        let whole = window.size > 0 && window.stride > 0 && from > 0 && to > 0;
        check("size, stride and channels", whole, "at least 1", format!("{window:?}, {from} to {to}"))?;
        check("padding", window.padding < window.size, format!("below {}", window.size), window.padding)?;
        check("biases", bias.dims() == [to], to, bias.dims()[0])?;
        let device = weight.device();
        let is_bf16 = precision == Precision::Bf16;
        let weights = match device == Device::flex() {
            true => {
                let bf16 = is_bf16.then(|| Bf16::detected().ok_or(Error::NoBf16("on this processor")));
                let bf16 = bf16.transpose()?;
                let host = HostConv::new(window, from, read(weight)?, read(bias)?, bf16);
                Weights::Host(Arc::new(host))
            }
            false if is_bf16 && !device.supports_dtype(DType::BF16) => {
                return Err(Error::NoBf16("on this device"));
            }
            false => Weights::Device(Box::new(Placed::new(weight, bias, precision))),
        };
        Ok(Self { window, device, weights })
    }

    /// `relu(conv(x) + bias + residual)`, the last two parts where asked for. Gradients flow to `x` and to the
    /// residual where they are tracked, on the device of the weights.
    ///
    /// # Shapes
    ///
    /// `[n, h, w, from]` and `[n, h', w', to]` -> `[n, h', w', to]`, `h' = (h + 2 padding - size) / stride + 1`
    ///
    /// # Panics
    ///
    /// Other shapes; images smaller than the window.
    pub fn forward(&self, x: Tensor<4>, residual: Option<Tensor<4>>, relu: bool) -> Tensor<4> {
        match &self.weights {
            Weights::Host(conv) => on_host(x, residual, Frozen { conv: conv.clone(), relu }),
            Weights::Device(placed) => {
                let Window { stride, padding, .. } = self.window;
                let sum = placed.forward(x, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1));
                let sum = residual.into_iter().fold(sum, |sum, residual| sum + residual);
                if relu { positive(sum) } else { sum }
            }
        }
    }

    /// The gradient of the input from that of `conv(x) + bias`, as the passes of [`Self::forward`] compute it under
    /// autodiff: a transposed convolution.
    ///
    /// # Shapes
    ///
    /// `[n, h', w', to]` -> `[n, h, w, from]` of the given height and width
    ///
    /// # Panics
    ///
    /// Another shape than that of the output; tracked gradients.
    pub fn input_gradient(&self, gradient: Tensor<4>, [h, w]: [usize; 2]) -> Tensor<4> {
        match &self.weights {
            Weights::Host(conv) => {
                let gradient = gradient.into_dispatch();
                Tensor::from_dispatch(Dispatch::frozen_conv_gradient(gradient, conv.clone(), [h, w]))
            }
            Weights::Device(_) => {
                let n = gradient.dims()[0];
                let x = Tensor::zeros([n, h, w, self.from()], &self.device).autodiff().require_grad();
                let sum = (self.forward(x.clone(), None, false) * gradient.autodiff()).sum();
                x.grad(&sum.backward()).unwrap_or_else(|| panic!("the input is tracked"))
            }
        }
    }

    /// How many multiplications a pass on images `[n, h, w]` does.
    ///
    /// # Panics
    ///
    /// Images smaller than the window.
    pub fn multiplications(&self, [n, h, w]: [usize; 3]) -> Multiplications {
        let input = Plane { n, h, w };
        let output = self.window.of(input).unwrap_or_else(|| panic!("{input:?} is smaller than the window"));
        match &self.weights {
            Weights::Host(conv) => conv.multiplications(input, output),
            Weights::Device(placed) => {
                let products = output.pixels() * placed.weight.dims().iter().product::<usize>();
                Multiplications { forward: products, gradient: products }
            }
        }
    }

    /// Channels of the output.
    pub fn out(&self) -> usize {
        match &self.weights {
            Weights::Host(conv) => conv.to,
            Weights::Device(placed) => placed.bias.dims()[0],
        }
    }

    /// Channels of the input.
    pub fn from(&self) -> usize {
        match &self.weights {
            Weights::Host(conv) => conv.from,
            Weights::Device(placed) => placed.weight.dims()[1],
        }
    }

    /// The window that moves over images.
    pub fn window(&self) -> Window {
        self.window
    }

    /// What computes it on the CPU.
    pub(crate) fn on_host(&self) -> Option<Arc<HostConv>> {
        match &self.weights {
            Weights::Host(conv) => Some(conv.clone()),
            Weights::Device(_) => None,
        }
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.device.clone()
    }
}

fn on_host(x: Tensor<4>, residual: Option<Tensor<4>>, frozen: Frozen) -> Tensor<4> {
    let x = x.into_dispatch();
    Tensor::from_dispatch(match residual {
        None => Dispatch::frozen_conv(x, frozen, None),
        Some(residual) => Dispatch::frozen_conv_onto(x, residual.into_dispatch(), frozen, None),
    })
}

/// The largest value of every window; padding counts as nothing. Its gradient goes to the first of the largest.
///
/// # Shapes
///
/// `[n, h, w, c]` -> `[n, h', w', c]`, as of a convolution
///
/// # Panics
///
/// Images smaller than the window, padding as large as it.
pub fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    if x.device().inner() == Device::flex() {
        return Tensor::from_dispatch(Dispatch::window_max(x.into_dispatch(), window, Kept::default()));
    }
    let Window { size, stride, padding } = window;
    let options = MaxPoolOptions::new([size; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
    channels_last(max_pool2d(channels_first(x), options))
}

/// `[n, h, w, c]` -> `[n, c, h, w]`.
fn channels_first(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 3, 1, 2])
}

/// `[n, c, h, w]` -> `[n, h, w, c]`.
fn channels_last(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 2, 3, 1])
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|error| Error::Device(error.to_string()))?;
    data.try_into_vec_as().map_err(|error| Error::Device(error.to_string()))
}

/// A constant where others are differentiated.
fn beside<const D: usize>(constant: &Tensor<D>, autodiff: bool) -> Tensor<D> {
    let constant = constant.clone();
    if autodiff { constant.autodiff() } else { constant }
}

pub(crate) fn check(
    what: &'static str,
    holds: bool,
    expected: impl ToString,
    found: impl ToString,
) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::Size { what, expected: expected.to_string(), found: found.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    /// What devices other than the CPU do, on the CPU, beside single precision.
    #[test]
    fn bf16_is_off_by_its_rounding_forth_and_back() {
        let device = Device::flex();
        device.seed(1);
        let random = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (weight, x, direction) = (random([8, 16, 3, 3]), random([2, 9, 7, 16]), random([2, 9, 7, 8]));
        let bias = random([1, 1, 1, 8]).reshape([8]);
        let run = |precision| {
            let placed = Placed::new(weight.clone(), bias.clone(), precision);
            let x = x.clone().autodiff().require_grad();
            let sum = placed.forward(x.clone(), ConvOptions::new([1; 2], [1; 2], [1; 2], 1));
            assert_eq!(sum.dtype(), DType::F32);
            let gradient = x.grad(&(sum.clone() * direction.clone().autodiff()).sum().backward()).unwrap();
            [sum.inner(), gradient]
        };
        let (exact, rounded) = (run(Precision::Single), run(Precision::Bf16));
        for (exact, rounded) in exact.into_iter().zip(rounded) {
            let norm = |x: Tensor<4>| (x.clone() * x).sum().sqrt().into_scalar::<f32>();
            let relative = norm(exact.clone() - rounded) / norm(exact);
            // Half a unit of the last of 8 bits is .2 %, of both factors and of the sum.
            assert!((1e-4..5e-3).contains(&relative), "{relative}");
        }
    }
}
