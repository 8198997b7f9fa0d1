//! Matrix products and convolutions in float32 on devices whose matrix units round.
//!
//! On NVIDIA GPUs burn multiplies float32 with the fastest kernel, and the fastest kernels round both factors to
//! TF32, 11 of 24 bits of mantissa. Distances are then off by a thousandth, enough to change the cells of vectors and
//! the order of results, and no setting of burn forbids it. Here each factor is split into parts of 11 and 13 bits,
//! `x = high + low`, and
//!
//! ```text
//! a b = high(a) high(b) + high(a) low(b) + low(a) high(b).
//! ```
//!
//! The missing term `low(a) low(b)` is below the rounding of float32. Three products on matrix units are faster than
//! one on units that do not round. On every other device there is one product.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use active_index_device_math::exact_products::matmul;
//!
//! let a = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &Device::flex());
//! let squared: Vec<f32> = matmul(a.clone(), a).into_data().try_into_vec_as()?;
//! assert_eq!(squared, [7.0, 10.0, 15.0, 22.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use burn::tensor::{Device, Tensor, module, ops::ConvOptions};

use crate::constants::lifted;

/// Factor of Veltkamp's split, `2^13 + 1`, which cuts 13 of 24 bits off (Dekker, "A floating-point technique for
/// extending the available precision", 1971, section 5).
const CUT: f32 = 8193.0;

/// Returns whether the device may round factors of float32 products to TF32: NVIDIA GPUs through CUDA.
pub fn rounds(device: &Device) -> bool {
    // Only the name of a device tells its runtime, unless burn is built with every feature of CubeCL.
    format!("{device:?}").contains("Cuda")
}

/// Splits `x` into the nearest value of 11 bits and the remainder. Their sum is `x` exactly; gradients flow through
/// the former alone.
///
/// Magnitudes above 4e34 overflow.
pub fn split<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
    let far = x.clone() * CUT;
    let high = far.clone() - (far - x.clone());
    let low = x.detach() - high.clone().detach();
    [high, low]
}

/// Multiplies matrices batch by batch, with the accuracy of float32 on any device. Gradients flow to both factors.
///
/// # Shapes
/// `[.., m, k]`, `[.., k, n]` -> `[.., m, n]`
///
/// # Panics
/// On other shapes; on tensors of different devices.
pub fn matmul<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    match rounds(&left.device()) {
        true => in_parts(left, right, Tensor::matmul),
        false => left.matmul(right),
    }
}

/// Constant weights of a convolution, split into two parts where the device rounds.
#[derive(Debug, Clone)]
pub struct Filter {
    /// `[to, from / groups, h, w]`: the weights, or their upper 11 bits.
    high: Tensor<4>,
    /// Remainder of the weights where they are split.
    low: Option<Tensor<4>>,
}

impl Filter {
    /// Takes weights `[to, from / groups, h, w]` for convolutions with the accuracy of float32.
    pub fn new(weight: Tensor<4>) -> Self {
        if rounds(&weight.device()) { Self::in_parts(weight) } else { Self::unsplit(weight) }
    }

    /// Takes weights `[to, from / groups, h, w]` for convolutions in their own type, rounded as the device does.
    pub fn unsplit(weight: Tensor<4>) -> Self {
        Self { high: weight, low: None }
    }

    fn in_parts(weight: Tensor<4>) -> Self {
        let [high, low] = split(weight);
        Self { high, low: Some(low) }
    }

    /// Returns `conv(x) + bias`. Gradients flow to `x`.
    ///
    /// # Shapes
    /// `[n, from, h, w]`, `[to]` -> `[n, to, h', w']`
    ///
    /// # Panics
    /// On other shapes; on tensors of different devices or types.
    pub fn conv2d(&self, x: Tensor<4>, bias: &Tensor<1>, options: ConvOptions<2>) -> Tensor<4> {
        let (high, bias) = (lifted(&self.high, &x), lifted(bias, &x));
        let Some(low) = &self.low else {
            return module::conv2d(x, high, Some(bias), options);
        };
        let low = lifted(low, &x);
        let conv = |x, weight, bias| module::conv2d(x, weight, bias, options.clone());
        let [x, x_low] = split(x);
        let small = conv(x.clone(), low, None) + conv(x_low, high.clone(), None);
        conv(x, high, Some(bias)) + small
    }

    /// Shape of the weights, `[to, from / groups, h, w]`.
    pub fn dims(&self) -> [usize; 4] {
        self.high.dims()
    }
}

/// Multiplies exactly by a `multiply` that may round factors to 11 bits.
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

    /// High parts are the nearest values of 11 bits and low parts the remainders, at any magnitude.
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

    /// Compares TF32 products, as matrix units compute them, with products in float64.
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
