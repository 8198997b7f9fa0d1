use std::{fmt, sync::Arc};

use burn::backend::Dispatch;
use burn::tensor::{
    DType, Device, FloatDType, Tensor,
    activation::relu as positive,
    module::max_pool2d,
    ops::{ConvOptions, MaxPoolOptions},
};

use unrounded::Filter;

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

/// What factors are rounded to before they are multiplied. Sums are in single precision, but for those of GPUs' kernels
/// without matrix units, which are in the factors' type.
///
/// Fewer bits are for the matrix units of GPUs. The CPU multiplies bf16 where it has AVX-512 with it; the others it
/// rounds as a GPU would, slower than in single precision, so that their effect can be measured anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Not at all, on any device.
    #[default]
    Single,
    /// 11 bits of mantissa, on NVIDIA's GPUs through CUDA; what lies between convolutions keeps its 24. Gradients of
    /// the CPU's round weights alone.
    Tf32,
    /// 8 bits of mantissa, also of what lies between convolutions. Where the CPU has it, factors alone are rounded, but
    /// for those of Winograd's filtering, which would amplify it.
    Bf16,
    /// 11 bits of mantissa and magnitudes of 6e-8 to 65504, also of what lies between convolutions: too few for
    /// gradients.
    F16,
}

impl Precision {
    /// What tensors between convolutions hold.
    fn storage(self) -> FloatDType {
        match self {
            Self::Single | Self::Tf32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }

    /// Whether this processor has products of it; it rounds to the others as a GPU would.
    pub fn is_native(self) -> bool {
        match self {
            Self::Single => true,
            Self::Bf16 => Bf16::detected().is_some(),
            Self::Tf32 | Self::F16 => false,
        }
    }

    /// Whether a device other than the CPU multiplies in it.
    fn is_of(self, device: &Device) -> bool {
        match self {
            Self::Single => true,
            Self::Tf32 => unrounded::rounds(device),
            Self::Bf16 | Self::F16 => device.supports_dtype(self.storage()),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single precision",
            Self::Tf32 => "TF32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
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
    Placed(Box<Placed>),
}

/// Weights for burn's operations: on a device other than the CPU, or in a precision that the CPU has no products of.
#[derive(Debug, Clone)]
struct Placed {
    /// Rounded to what is multiplied.
    filter: Filter,
    /// `[to]`.
    bias: Tensor<1>,
    precision: Precision,
    /// Whether factors are rounded here and multiplied in single precision: the CPU does what other devices would.
    emulated: bool,
}

impl Placed {
    fn new(weight: Tensor<4>, bias: Tensor<1>, precision: Precision) -> Self {
        let emulated = precision != Precision::Single && weight.device() == Device::flex();
        let filter = match precision {
            Precision::Single => Filter::new(weight),
            Precision::Tf32 if emulated => Filter::as_is(to_tf32(weight)),
            Precision::Tf32 => Filter::as_is(weight),
            Precision::Bf16 | Precision::F16 if emulated => {
                Filter::as_is(weight.cast(precision.storage()).cast(FloatDType::F32))
            }
            Precision::Bf16 | Precision::F16 => Filter::as_is(weight.cast(precision.storage())),
        };
        let bias = if emulated { bias } else { bias.cast(precision.storage()) };
        Self { filter, bias, precision, emulated }
    }

    /// `conv(x) + bias`, `[n, h, w, from]` -> `[n, h', w', to]`, in what the precision is kept in.
    fn forward(&self, x: Tensor<4>, options: ConvOptions<2>) -> Tensor<4> {
        let x = channels_first(x.cast(self.precision.storage()));
        let x = match self.precision {
            Precision::Tf32 if self.emulated => to_tf32(x),
            _ => x.cast(self.bias.dtype()),
        };
        channels_last(self.filter.conv2d(x, &self.bias, options)).cast(self.precision.storage())
    }
}

fn to_tf32(x: Tensor<4>) -> Tensor<4> {
    let [high, _] = unrounded::split(x);
    high
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
    /// of biases; weights that cannot be read; a precision that the device does not multiply in.
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
        let weights = match device == Device::flex() {
            true if precision.is_native() => {
                let bf16 = (precision == Precision::Bf16).then(Bf16::detected).flatten();
                let host = HostConv::new(window, from, read(weight)?, read(bias)?, bf16);
                Weights::Host(Arc::new(host))
            }
            false if !precision.is_of(&device) => return Err(Error::Precision(precision)),
            _ => Weights::Placed(Box::new(Placed::new(weight, bias, precision))),
        };
        Ok(Self { window, device, weights })
    }

    /// `relu(conv(x) + bias + residual)`, the last two parts where asked for. Gradients flow to `x` and to the
    /// residual where they are tracked, on the device of the weights. Of [`Precision::Bf16`] and [`Precision::F16`]
    /// the result has the type, where burn computes it.
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
            Weights::Placed(placed) => {
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
            Weights::Placed(_) => {
                let n = gradient.dims()[0];
                let x = Tensor::zeros([n, h, w, self.from()], &self.device).autodiff().require_grad();
                let y = self.forward(x.clone(), None, false).cast(FloatDType::F32);
                let sum = (y * gradient.autodiff()).sum();
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
            Weights::Placed(placed) => {
                let products = output.pixels() * placed.filter.dims().iter().product::<usize>();
                Multiplications { forward: products, gradient: products }
            }
        }
    }

    /// Channels of the output.
    pub fn out(&self) -> usize {
        match &self.weights {
            Weights::Host(conv) => conv.to,
            Weights::Placed(placed) => placed.bias.dims()[0],
        }
    }

    /// Channels of the input.
    pub fn from(&self) -> usize {
        match &self.weights {
            Weights::Host(conv) => conv.from,
            Weights::Placed(placed) => placed.filter.dims()[1],
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
            Weights::Placed(_) => None,
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
    if x.device().inner() == Device::flex() && x.dtype() == DType::F32 {
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

    /// What burn computes in each precision, on the CPU, beside single precision.
    #[test]
    fn precisions_are_off_by_their_rounding_forth_and_back() {
        let device = Device::flex();
        device.seed(1);
        let random = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (weight, x, direction) = (random([8, 16, 3, 3]), random([2, 9, 7, 16]), random([2, 9, 7, 8]));
        let bias = random([1, 1, 1, 8]).reshape([8]);
        let run = |precision| {
            let placed = Placed::new(weight.clone(), bias.clone(), precision);
            let x = x.clone().autodiff().require_grad();
            let sum = placed.forward(x.clone(), ConvOptions::new([1; 2], [1; 2], [1; 2], 1));
            assert_eq!(sum.dtype(), precision.storage().into());
            let sum = sum.cast(FloatDType::F32);
            let gradient = x.grad(&(sum.clone() * direction.clone().autodiff()).sum().backward()).unwrap();
            [sum.inner(), gradient]
        };
        let exact = run(Precision::Single);
        // Half a unit of the last of 8 bits is .2 %, of 11 bits .02 %, of both factors and of the sum.
        let bounds =
            [(Precision::Tf32, 1e-5..6e-4), (Precision::Bf16, 1e-4..5e-3), (Precision::F16, 1e-5..6e-4)];
        for (precision, bounds) in bounds {
            for (exact, rounded) in exact.clone().into_iter().zip(run(precision)) {
                let relative = distance(exact, rounded);
                assert!(bounds.contains(&relative), "{precision}: {relative}");
            }
        }
    }

    /// Relative L2.
    fn distance(exact: Tensor<4>, found: Tensor<4>) -> f32 {
        let norm = |x: Tensor<4>| x.square().sum().sqrt().into_scalar::<f32>();
        norm(exact.clone() - found) / norm(exact)
    }
}
