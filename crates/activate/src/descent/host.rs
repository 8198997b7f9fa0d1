//! The passes over all pixels on the CPU: each value is read once and written once.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use crate::adam::{Adam, Optimised};

/// Values that a thread takes at once.
const CHUNK: usize = 1 << 14;
/// Beyond, the hyperbolic tangent is 1 in float32.
const SATURATED: f32 = 7.905_311;

/// What scales the change of each channel, and the gradient of the image's term.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// `S_c`: with the JND map, the largest change.
    pub amplitude: [f32; 3],
    /// What the gradient of the mean squared change is per unit of change.
    pub weight: [f32; 3],
}

/// The changed pixels, `[1, 3, h, w]`, and the sums of the squared changes of each channel, `[1, 3]`.
pub(super) fn changed(
    original: &Tensor<4>,
    map: &Tensor<4>,
    delta: &Tensor<4>,
    channels: Channels,
) -> (Tensor<4>, Tensor<2>) {
    let [original, map, delta] = [original, map, delta].map(|tensor| tensor.clone().into_dispatch());
    let (pixels, sums) = Dispatch::changed_pixels(original, map, delta, channels);
    (Tensor::from_dispatch(pixels), Tensor::from_dispatch(sums))
}

/// A step of Adam along the gradient to the changed pixels and that of the image's term.
pub(super) fn step(
    part: Optimised,
    gradient: Tensor<4>,
    map: &Tensor<4>,
    channels: Channels,
    adam: Adam,
) -> Optimised {
    let Optimised { x, first, second } = part;
    let [x, first, second, gradient, map] =
        [x, first, second, gradient, map.clone()].map(Tensor::into_dispatch);
    let (x, first, second) = Dispatch::adam_pass(x, first, second, gradient, map, channels, adam);
    let [x, first, second] = [x, first, second].map(Tensor::from_dispatch);
    Optimised { x, first, second }
}

/// What the functions above compute, on the backend of the CPU.
#[backend_extension(Flex)]
pub trait PixelPasses: Backend {
    /// See [`changed`].
    fn changed_pixels(
        original: FloatTensor<Self>,
        map: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        channels: Channels,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// See [`step`].
    fn adam_pass(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        map: FloatTensor<Self>,
        channels: Channels,
        adam: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl PixelPasses for Flex {
    fn changed_pixels(
        original: FlexTensor,
        map: FlexTensor,
        delta: FlexTensor,
        channels: Channels,
    ) -> (FlexTensor, FlexTensor) {
        let shape = original.shape();
        let [original, map, delta] = [original, map, delta].map(|tensor| tensor.to_contiguous());
        let [original, map, delta] = [&original, &map, &delta].map(values);
        let mut pixels = vec![0.0; original.len()];
        let mut sums = [0.0f32; 3];
        let planes = pixels.chunks_exact_mut(map.len()).zip(original.chunks_exact(map.len()));
        let planes = planes.zip(delta.chunks_exact(map.len())).zip(&mut sums).zip(channels.amplitude);
        for ((((pixels, original), delta), sum), amplitude) in planes {
            let inputs = original.par_chunks(CHUNK).zip(map.par_chunks(CHUNK)).zip(delta.par_chunks(CHUNK));
            let squares =
                pixels.par_chunks_mut(CHUNK).zip(inputs).map(|(pixels, ((original, map), delta))| {
                    let mut squares = 0.0f64;
                    for (((pixel, x), map), delta) in pixels.iter_mut().zip(original).zip(map).zip(delta) {
                        let change = tanh(*delta) * map * amplitude;
                        *pixel = change + x;
                        squares += f64::from(change * change);
                    }
                    squares
                });
            // In order, so that the number of threads changes nothing.
            *sum = squares.collect::<Vec<_>>().into_iter().sum::<f64>() as f32;
        }
        (tensor(pixels, shape), tensor(sums.to_vec(), Shape::from([1, 3])))
    }

    fn adam_pass(
        x: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        gradient: FlexTensor,
        map: FlexTensor,
        channels: Channels,
        adam: Adam,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [mut x, mut first, mut second] = [x, first, second].map(own);
        let (gradient, map) = (gradient.to_contiguous(), map.to_contiguous());
        let (gradient, map) = (values(&gradient), values(&map));
        let plane = map.len();
        let states = x.storage_mut::<f32>().chunks_exact_mut(plane);
        let states = states.zip(first.storage_mut::<f32>().chunks_exact_mut(plane));
        let states = states.zip(second.storage_mut::<f32>().chunks_exact_mut(plane));
        let scales = channels.amplitude.into_iter().zip(channels.weight);
        for ((((x, first), second), gradient), (amplitude, weight)) in
            states.zip(gradient.chunks_exact(plane)).zip(scales)
        {
            let states = x.par_chunks_mut(CHUNK).zip(first.par_chunks_mut(CHUNK));
            let states = states.zip(second.par_chunks_mut(CHUNK));
            let inputs = gradient.par_chunks(CHUNK).zip(map.par_chunks(CHUNK));
            states.zip(inputs).for_each(|(((x, first), second), (gradient, map))| {
                let states = x.iter_mut().zip(first).zip(second);
                for (((x, first), second), (gradient, map)) in states.zip(gradient.iter().zip(map)) {
                    let (slope, largest) = (tanh(*x), map * amplitude);
                    let to_change = gradient + slope * largest * weight;
                    adam.advance(x, first, second, to_change * largest * (1.0 - slope * slope));
                }
            });
        }
        (x, first, second)
    }
}

/// The tensor itself where its values lie in order, and otherwise a copy.
fn own(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// The hyperbolic tangent within a few units in the last place, of numbers near 0 too: the rational function of degrees
/// 13 and 6 whose coefficients are those of Eigen.
fn tanh(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297_2e-8,
        1.485_722_35e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const BELOW: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let x = x.clamp(-SATURATED, SATURATED);
    let square = x * x;
    let polynomial = |coefficients: &[f32]| coefficients.iter().fold(0.0, |sum, c| sum * square + c);
    x * polynomial(&ABOVE) / polynomial(&BELOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tangent_is_near_that_of_double_precision() {
        for i in -60_000..=60_000 {
            let x = (i as f32 / 6000.0).powi(3) / 80.0;
            let (found, expected) = (f64::from(tanh(x)), f64::from(x).tanh());
            assert!((found - expected).abs() <= 5e-7 * expected.abs(), "{x}: {found} for {expected}");
        }
        assert!((tanh(1e-30) - 1e-30).abs() < 1e-36);
        assert!(tanh(f32::NAN).is_nan());
        assert!(tanh(f32::INFINITY) <= 1.0 && tanh(f32::INFINITY) > 1.0 - 1e-6);
    }
}
