//! Convolution whose weights never change.

use std::sync::Arc;

use burn::{
    backend::Dispatch,
    tensor::{Device, FloatDType, Tensor, activation::relu as positive, ops::ConvOptions},
};
use device_math::{
    exact_products::{Filter, split},
    transfer::download,
};
use simd::Bf16;

use crate::{
    Error, Multiplications, Precision, Result, Window,
    cpu::CpuConv,
    error::check,
    layout::{channels_first, channels_last},
    ops::{FrozenBackend, FusedConv},
    window::Plane,
};

/// Convolution with bias whose weights never change.
#[derive(Debug, Clone)]
pub struct Conv {
    window: Window,
    device: Device,
    weights: Weights,
}

#[derive(Debug, Clone)]
enum Weights {
    /// Packed for the kernels of the CPU.
    Cpu(Arc<CpuConv>),
    /// On another device, or in a precision that the CPU emulates.
    Burn(Box<BurnConv>),
}

/// Convolution by burn's operations.
#[derive(Debug, Clone)]
struct BurnConv {
    /// Rounded to the type of the factors.
    filter: Filter,
    /// `[to]`.
    bias: Tensor<1>,
    precision: Precision,
    /// Set where the CPU emulates the precision: factors are rounded here and multiplied in float32.
    emulated: bool,
}

impl BurnConv {
    fn new(weight: Tensor<4>, bias: Tensor<1>, precision: Precision) -> Self {
        let emulated = precision != Precision::Single && weight.device() == Device::flex();
        let filter = match precision {
            Precision::Single => Filter::new(weight),
            Precision::Tf32 if emulated => Filter::unsplit(to_tf32(weight)),
            Precision::Tf32 => Filter::unsplit(weight),
            Precision::Bf16 | Precision::F16 if emulated => {
                Filter::unsplit(weight.cast(precision.storage()).cast(FloatDType::F32))
            }
            Precision::Bf16 | Precision::F16 => Filter::unsplit(weight.cast(precision.storage())),
        };
        let bias = if emulated { bias } else { bias.cast(precision.storage()) };
        Self { filter, bias, precision, emulated }
    }

    /// Returns `conv(x) + bias` in the storage type of the precision: `[n, h, w, from]` -> `[n, h', w', to]`.
    fn forward(&self, x: Tensor<4>, options: ConvOptions<2>) -> Tensor<4> {
        let x = channels_first(x.cast(self.precision.storage()));
        let x = match self.precision {
            Precision::Tf32 if self.emulated => to_tf32(x),
            _ => x.cast(self.bias.dtype()),
        };
        channels_last(self.filter.conv2d(x, &self.bias, options)).cast(self.precision.storage())
    }
}

/// Rounds values to TF32.
fn to_tf32(x: Tensor<4>) -> Tensor<4> {
    let [high, _] = split(x);
    high
}

impl Conv {
    /// Builds a convolution with `weight` `[to, from, size, size]` and `bias` `[to]` on their device, in float32.
    ///
    /// # Errors
    /// As [`Self::with_precision`].
    pub fn new(weight: Tensor<4>, bias: Tensor<1>, window: Window) -> Result<Self> {
        Self::with_precision(weight, bias, window, Precision::Single)
    }

    /// Builds a convolution with `weight` `[to, from, size, size]` and `bias` `[to]` on their device.
    ///
    /// # Errors
    /// If the window does not match the weights; if size, stride or channels are 0; if the padding is not smaller
    /// than the window; if the number of biases is not `to`; if the weights cannot be read; if the device does not
    /// multiply in the precision.
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
                let conv = CpuConv::new(window, from, download(weight)?, download(bias)?, bf16);
                Weights::Cpu(Arc::new(conv))
            }
            false if !precision.is_supported_by(&device) => return Err(Error::Precision(precision)),
            _ => Weights::Burn(Box::new(BurnConv::new(weight, bias, precision))),
        };
        Ok(Self { window, device, weights })
    }

    /// Returns `relu(conv(x) + bias + residual)`; residual and ReLU are optional. Gradients flow to `x` and to the
    /// residual if they are tracked. In [`Precision::Bf16`] and [`Precision::F16`] the result has that type, unless
    /// the CPU multiplies in it natively.
    ///
    /// # Shapes
    /// `[n, h, w, from]` and `[n, h', w', to]` -> `[n, h', w', to]`, `h' = (h + 2 padding - size) / stride + 1`
    ///
    /// # Panics
    /// On other shapes, on images smaller than the window, and on another device than that of the weights.
    pub fn forward(&self, x: Tensor<4>, residual: Option<Tensor<4>>, relu: bool) -> Tensor<4> {
        match &self.weights {
            Weights::Cpu(conv) => on_cpu(x, residual, FusedConv { conv: conv.clone(), relu }),
            Weights::Burn(conv) => {
                let Window { stride, padding, .. } = self.window;
                let sum = conv.forward(x, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1));
                let sum = residual.into_iter().fold(sum, |sum, residual| sum + residual);
                if relu { positive(sum) } else { sum }
            }
        }
    }

    /// Returns the gradient of the input from that of `conv(x) + bias`, by the same computation as autodiff: a
    /// transposed convolution.
    ///
    /// # Shapes
    /// `[n, h', w', to]` -> `[n, h, w, from]` of the given height and width
    ///
    /// # Panics
    /// On another shape than that of the output, and on tracked gradients.
    pub fn input_gradient(&self, gradient: Tensor<4>, [h, w]: [usize; 2]) -> Tensor<4> {
        match &self.weights {
            Weights::Cpu(conv) => {
                let gradient = gradient.into_dispatch();
                Tensor::from_dispatch(Dispatch::fused_conv_gradient(gradient, conv.clone(), [h, w]))
            }
            Weights::Burn(_) => {
                let n = gradient.dims()[0];
                let x = Tensor::zeros([n, h, w, self.from()], &self.device).autodiff().require_grad();
                let y = self.forward(x.clone(), None, false).cast(FloatDType::F32);
                let sum = (y * gradient.autodiff()).sum();
                x.grad(&sum.backward()).expect("the input is tracked")
            }
        }
    }

    /// Returns the number of multiplications of a pass on images `[n, h, w]`.
    ///
    /// # Panics
    /// On images smaller than the window.
    pub fn multiplications(&self, [n, h, w]: [usize; 3]) -> Multiplications {
        let input = Plane { n, h, w };
        let output =
            self.window.output(input).unwrap_or_else(|| panic!("{input:?} is smaller than the window"));
        match &self.weights {
            Weights::Cpu(conv) => conv.multiplications(input, output),
            Weights::Burn(conv) => {
                let products = output.pixels() * conv.filter.dims().iter().product::<usize>();
                Multiplications { forward: products, gradient: products }
            }
        }
    }

    /// Number of output channels.
    pub fn out(&self) -> usize {
        match &self.weights {
            Weights::Cpu(conv) => conv.to,
            Weights::Burn(conv) => conv.bias.dims()[0],
        }
    }

    /// Number of input channels.
    pub fn from(&self) -> usize {
        match &self.weights {
            Weights::Cpu(conv) => conv.from,
            Weights::Burn(conv) => conv.filter.dims()[1],
        }
    }

    /// Window of the convolution.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Convolution of the CPU's kernels, if they compute it.
    pub(crate) fn on_cpu(&self) -> Option<Arc<CpuConv>> {
        match &self.weights {
            Weights::Cpu(conv) => Some(conv.clone()),
            Weights::Burn(_) => None,
        }
    }

    /// Device of the weights.
    pub fn device(&self) -> Device {
        self.device.clone()
    }
}

fn on_cpu(x: Tensor<4>, residual: Option<Tensor<4>>, conv: FusedConv) -> Tensor<4> {
    let x = x.into_dispatch();
    Tensor::from_dispatch(match residual {
        None => Dispatch::fused_conv(x, conv, None),
        Some(residual) => Dispatch::fused_conv_add(x, residual.into_dispatch(), conv, None),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    /// Compares burn's results in each precision, emulated on the CPU, with those in float32.
    #[test]
    fn precisions_are_off_by_their_rounding_forth_and_back() {
        let device = Device::flex();
        device.seed(1);
        let random = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (weight, x, direction) = (random([8, 16, 3, 3]), random([2, 9, 7, 16]), random([2, 9, 7, 8]));
        let bias = random([1, 1, 1, 8]).reshape([8]);
        let run = |precision| {
            let conv = BurnConv::new(weight.clone(), bias.clone(), precision);
            let x = x.clone().autodiff().require_grad();
            let sum = conv.forward(x.clone(), ConvOptions::new([1; 2], [1; 2], [1; 2], 1));
            assert_eq!(sum.dtype(), precision.storage().into());
            let sum = sum.cast(FloatDType::F32);
            let gradient = x.grad(&(sum.clone() * direction.clone().autodiff()).sum().backward()).unwrap();
            [sum.inner(), gradient]
        };
        let exact = run(Precision::Single);
        // Half a unit in the last place of 8 bits is .2 %, of 11 bits .02 %; both factors and the sum are rounded.
        let bounds =
            [(Precision::Tf32, 1e-5..6e-4), (Precision::Bf16, 1e-4..5e-3), (Precision::F16, 1e-5..6e-4)];
        for (precision, bounds) in bounds {
            for (exact, rounded) in exact.clone().into_iter().zip(run(precision)) {
                let relative = distance(exact, rounded);
                assert!(bounds.contains(&relative), "{precision}: {relative}");
            }
        }
    }

    /// Relative L2 distance.
    fn distance(exact: Tensor<4>, found: Tensor<4>) -> f32 {
        let norm = |x: Tensor<4>| x.square().sum().sqrt().into_scalar::<f32>();
        norm(exact.clone() - found) / norm(exact)
    }
}
