//! Matrix products and convolutions in single precision on devices whose matrix units round.
//!
//! On NVIDIA's GPUs burn multiplies float32 by whichever kernel is fastest, and the fastest round both factors to TF32,
//! 11 bits of the 24: distances off by a thousandth, which is enough for vectors to change cells and for answers to
//! change places. No setting forbids it. Here a factor is cut in two of 11 and 13 bits instead, `x = high + low`, and
//!
//! ```text
//! a b = high(a) high(b) + high(a) low(b) + low(a) high(b),
//! ```
//!
//! less `low(a) low(b)`, below float32's own rounding: three products on matrix units, still faster than one on units that do not
//! round. Everywhere else it is one product.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//!
//! let a = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &Device::flex());
//! let squared: Vec<f32> = unrounded::matmul(a.clone(), a).into_data().try_into_vec_as()?;
//! assert_eq!(squared, [7.0, 10.0, 15.0, 22.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use burn::tensor::{Device, Tensor, module, ops::ConvOptions};

/// `2^13 + 1`: what cuts 13 of 24 bits off (Veltkamp; Dekker, "A floating-point technique for extending the available
/// precision", 1971, section 5).
const CUT: f32 = 8193.0;

/// Whether the device's matrix products and convolutions of float32 may be of factors rounded to TF32: NVIDIA's, through CUDA.
pub fn rounds(device: &Device) -> bool {
    // Which runtime a device belongs to is told by its name alone, unless burn is built with every feature of CubeCL.
    format!("{device:?}").contains("Cuda")
}

/// The nearest of 11 bits, and what is missing to `x`; the sum of both is `x` itself, and gradients flow through
/// the former alone.
///
/// Values above 4e34 have none.
pub fn split<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
    let far = x.clone() * CUT;
    let high = far.clone() - (far - x.clone());
    let low = x.detach() - high.clone().detach();
    [high, low]
}

/// `left right`, batch by batch, within float32's rounding of sums on any device. Gradients flow to both.
///
/// # Shapes
///
/// `[.., m, k]`, `[.., k, n]` -> `[.., m, n]`
///
/// # Panics
///
/// Other shapes; tensors on different devices.
pub fn matmul<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    match rounds(&left.device()) {
        true => in_parts(left, right, Tensor::matmul),
        false => left.matmul(right),
    }
}

/// Constant weights of a convolution, in two parts where the device rounds.
#[derive(Debug, Clone)]
pub struct Filter {
    /// `[to, from / groups, h, w]`, all or what has 11 bits.
    high: Tensor<4>,
    low: Option<Tensor<4>>,
}

impl Filter {
    /// Weights `[to, from / groups, h, w]` for convolutions in single precision on their device.
    pub fn new(weight: Tensor<4>) -> Self {
        if rounds(&weight.device()) { Self::in_parts(weight) } else { Self::as_is(weight) }
    }

    /// Weights for convolutions as the device has them, in the weights' type.
    pub fn as_is(weight: Tensor<4>) -> Self {
        Self { high: weight, low: None }
    }

    fn in_parts(weight: Tensor<4>) -> Self {
        let [high, low] = split(weight);
        Self { high, low: Some(low) }
    }

    /// `conv(x) + bias`. Gradients flow to `x`.
    ///
    /// # Shapes
    ///
    /// `[n, from, h, w]`, `[to]` -> `[n, to, h', w']`
    ///
    /// # Panics
    ///
    /// Other shapes; tensors on different devices or of different types.
    pub fn conv2d(&self, x: Tensor<4>, bias: &Tensor<1>, options: ConvOptions<2>) -> Tensor<4> {
        let (high, bias) = (beside(&self.high, &x), beside(bias, &x));
        let Some(low) = &self.low else {
            return module::conv2d(x, high, Some(bias), options);
        };
        let low = beside(low, &x);
        let conv = |x, weight, bias| module::conv2d(x, weight, bias, options.clone());
        let [x, x_low] = split(x);
        let small = conv(x.clone(), low, None) + conv(x_low, high.clone(), None);
        conv(x, high, Some(bias)) + small
    }

    /// `[to, from / groups, h, w]`.
    pub fn dims(&self) -> [usize; 4] {
        self.high.dims()
    }
}

/// A constant where `other` is differentiated.
fn beside<const D: usize, const E: usize>(constant: &Tensor<D>, other: &Tensor<E>) -> Tensor<D> {
    let constant = constant.clone();
    if other.is_autodiff() { constant.autodiff() } else { constant }
}

/// A product of factors that `multiply` may round to 11 bits.
fn in_parts<const D: usize>(
    left: Tensor<D>,
    right: Tensor<D>,
    multiply: impl Fn(Tensor<D>, Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    let ([left, left_low], [right, right_low]) = (split(left), split(right));
    let small = multiply(left.clone(), right_low) + multiply(left_low, right.clone());
    multiply(left, right) + small
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn random(shape: [usize; 3]) -> Tensor<3> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    fn values(tensor: Tensor<3>) -> Vec<f32> {
        tensor.into_data().try_into_vec_as().unwrap()
    }

    fn largest(tensor: Tensor<3>) -> f32 {
        tensor.abs().max().into_scalar()
    }

    #[test]
    fn the_cpu_and_its_autodiff_do_not_round() {
        let device = Device::flex();
        assert!(!rounds(&device) && !rounds(&device.autodiff()));
    }

    /// High parts are the nearest of 11 bits, low parts what is missing, of any magnitude.
    #[test]
    fn parts_have_eleven_bits_and_sum_to_the_whole() {
        Device::flex().seed(1);
        let x = random([1, 50, 40]) * (random([1, 50, 40]) * 8.0).exp();
        let [high, low] = split(x.clone());
        for ((x, high), low) in values(x).into_iter().zip(values(high)).zip(values(low)) {
            assert_eq!(high.to_bits() & 0x1FFF, 0, "{x}");
            assert_eq!(high + low, x);
            assert!(low.abs() <= high.abs() * 2f32.powi(-11), "{x}");
        }
    }

    /// TF32 as matrix units have it, beside the product of the same factors in double precision.
    #[test]
    fn products_of_parts_are_as_near_as_those_of_float32() {
        Device::flex().seed(2);
        let (a, b) = (random([2, 30, 512]), random([2, 512, 20]));
        let round = |x: Tensor<3>| split(x).into_iter().next().unwrap();
        let rounding = |a: Tensor<3>, b: Tensor<3>| round(a).matmul(round(b));
        let exact = {
            let (a, b) = (values(a.clone()), values(b.clone()));
            let at = |batch: usize, i: usize, j: usize| {
                let term = |k: usize| {
                    f64::from(a[(batch * 30 + i) * 512 + k]) * f64::from(b[(batch * 512 + k) * 20 + j])
                };
                (0..512).map(term).sum::<f64>() as f32
            };
            let all = (0..2 * 30 * 20).map(|i| at(i / 600, i / 20 % 30, i % 20)).collect::<Vec<_>>();
            Tensor::<1>::from_floats(all.as_slice(), &Device::flex()).reshape([2, 30, 20])
        };
        let [plain, parts, rounded] =
            [a.clone().matmul(b.clone()), in_parts(a.clone(), b.clone(), rounding), rounding(a, b)]
                .map(|found| largest(found - exact.clone()));
        assert!(parts < 4.0 * plain.max(1e-6), "in parts {parts}, in float32 {plain}");
        assert!(rounded > 100.0 * parts, "rounded {rounded}, in parts {parts}");
    }

    #[test]
    fn gradients_of_products_of_parts_are_those_of_products() {
        Device::flex().seed(3);
        let (a, b, direction) = (random([1, 6, 9]), random([1, 9, 5]), random([1, 6, 5]));
        let gradients = |multiply: fn(Tensor<3>, Tensor<3>) -> Tensor<3>| {
            let [a, b] = [&a, &b].map(|x| x.clone().autodiff().require_grad());
            let sum = (multiply(a.clone(), b.clone()) * direction.clone().autodiff()).sum().backward();
            [a.grad(&sum).unwrap(), b.grad(&sum).unwrap()]
        };
        let parts = gradients(|a, b| in_parts(a, b, Tensor::matmul));
        for (found, expected) in parts.into_iter().zip(gradients(Tensor::matmul)) {
            assert!(largest(found - expected) < 1e-5);
        }
    }

    #[test]
    fn convolutions_in_parts_are_convolutions() {
        Device::flex().seed(4);
        let [weight, x] = [[8, 16, 3, 3], [2, 16, 9, 7]]
            .map(|shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex()));
        let bias = random([1, 1, 8]).reshape([8]);
        let run = |filter: Filter| {
            let x = x.clone().autodiff().require_grad();
            let y = filter.conv2d(x.clone(), &bias, ConvOptions::new([2; 2], [1; 2], [1; 2], 1));
            let gradient = x.grad(&y.clone().square().sum().backward()).unwrap();
            [y.inner(), gradient]
        };
        for (parts, whole) in
            run(Filter::in_parts(weight.clone())).into_iter().zip(run(Filter::new(weight.clone())))
        {
            let scale: f32 = whole.clone().abs().max().into_scalar();
            let difference: f32 = (parts - whole).abs().max().into_scalar();
            assert!(difference < 1e-6 * scale, "{difference} of {scale}");
        }
    }
}
