//! Adam's step and the changed pixels in one pass over the values, on the CPU. Each value is read once and written
//! once.

use burn::{
    backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{Shape, Tensor},
};
use burn_flex::FlexTensor;
use rayon::prelude::*;
use simd::Level;

use super::{
    super::{changed_image::ChangedImage, squares::sum_of_squares},
    adam::{Adam, AdamState, Rates},
    perturbation::Perturbation,
    tanh::tanh,
};
use crate::planes::{CHUNK, ordered, sum_in_order, tensor, values};

/// Constants of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepConstants {
    /// Factor of the JND map in the largest change of each channel, `S_c`.
    pub amplitude: [f32; 3],
    /// Gradient of the image term per unit of change, of each channel.
    pub image_weight: [f32; 3],
    /// Step of Adam.
    pub adam: Adam,
}

/// Image that `delta` makes of the original.
pub(super) fn changed_image(perturbation: &Perturbation, delta: &Tensor<4>) -> ChangedImage {
    let [original, map, delta] =
        [perturbation.original(), perturbation.map(), delta].map(|tensor| tensor.clone().into_dispatch());
    let (pixels, sums) = Dispatch::changed_pixels(original, map, delta, perturbation.amplitudes());
    ChangedImage::from_sums(Tensor::from_dispatch(pixels), Tensor::from_dispatch(sums))
}

/// State after a step of Adam, and the image that it makes of the original. `gradient` is that of the descriptor term
/// with respect to the changed pixels; the new pixels reuse its memory.
pub(super) fn step(
    perturbation: &Perturbation,
    state: AdamState,
    gradient: Tensor<4>,
    constants: StepConstants,
) -> (AdamState, ChangedImage) {
    let AdamState { x, first, second } = state;
    let [x, first, second, gradient] = [x, first, second, gradient].map(Tensor::into_dispatch);
    let [original, map] =
        [perturbation.original(), perturbation.map()].map(|tensor| tensor.clone().into_dispatch());
    let (x, first, second, pixels, sums) =
        Dispatch::fused_step(x, first, second, gradient, original, map, constants);
    let [x, first, second, pixels] = [x, first, second, pixels].map(Tensor::from_dispatch);
    (AdamState { x, first, second }, ChangedImage::from_sums(pixels, Tensor::from_dispatch(sums)))
}

/// Backend operations of this module.
#[backend_extension(Flex)]
pub trait MaskedBackend: Backend {
    /// Changed pixels `[1, 3, h, w]`, and the sums of the squared changes of each channel, `[1, 3]`.
    fn changed_pixels(
        original: FloatTensor<Self>,
        map: FloatTensor<Self>,
        delta: FloatTensor<Self>,
        amplitude: [f32; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Parameters and both means after a step, then the results of [`Self::changed_pixels`] for them.
    #[allow(clippy::type_complexity, reason = "the macro of backend extensions knows no aliases")]
    fn fused_step(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        original: FloatTensor<Self>,
        map: FloatTensor<Self>,
        constants: StepConstants,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl MaskedBackend for Flex {
    fn changed_pixels(
        original: FlexTensor,
        map: FlexTensor,
        delta: FlexTensor,
        amplitude: [f32; 3],
    ) -> (FlexTensor, FlexTensor) {
        let shape = original.shape();
        let [original, map, delta] = [original, map, delta].map(|tensor| tensor.to_contiguous());
        let [original, map, delta] = [&original, &map, &delta].map(values);
        let mut pixels = vec![0.0; original.len()];
        let planes = pixels.chunks_exact_mut(map.len()).zip(original.chunks_exact(map.len()));
        let planes = planes.zip(delta.chunks_exact(map.len())).zip(amplitude);
        let sums = planes.map(|(((pixels, original), delta), amplitude)| {
            let inputs = original.par_chunks(CHUNK).zip(map.par_chunks(CHUNK)).zip(delta.par_chunks(CHUNK));
            let squares = pixels.par_chunks_mut(CHUNK).zip(inputs);
            sum_in_order(
                squares.map(|(pixels, ((original, map), delta))| {
                    change(original, map, delta, amplitude, pixels)
                }),
            )
        });
        let sums = tensor(sums.collect(), Shape::from([1, 3]));
        (tensor(pixels, shape), sums)
    }

    fn fused_step(
        x: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        gradient: FlexTensor,
        original: FlexTensor,
        map: FlexTensor,
        constants: StepConstants,
    ) -> (FlexTensor, FlexTensor, FlexTensor, FlexTensor, FlexTensor) {
        let [mut x, mut first, mut second, mut pixels] = [x, first, second, gradient].map(ordered);
        let (original, map) = (original.to_contiguous(), map.to_contiguous());
        let (original, map) = (values(&original), values(&map));
        let (plane, rates) = (map.len(), constants.adam.rates());
        let states = x.storage_mut::<f32>().chunks_exact_mut(plane);
        let states = states.zip(first.storage_mut::<f32>().chunks_exact_mut(plane));
        let states = states.zip(second.storage_mut::<f32>().chunks_exact_mut(plane));
        let images = pixels.storage_mut::<f32>().chunks_exact_mut(plane).zip(original.chunks_exact(plane));
        let scales = constants.amplitude.into_iter().zip(constants.image_weight);
        let sums = states.zip(images).zip(scales).map(|(parts, (amplitude, weight))| {
            let (((x, first), second), (pixels, original)) = parts;
            let states = x.par_chunks_mut(CHUNK).zip(first.par_chunks_mut(CHUNK));
            let states = states.zip(second.par_chunks_mut(CHUNK)).zip(map.par_chunks(CHUNK));
            let images = pixels.par_chunks_mut(CHUNK).zip(original.par_chunks(CHUNK));
            sum_in_order(states.zip(images).map(|((((x, first), second), map), (pixels, original))| {
                advance([x, first, second], pixels, map, [amplitude, weight], rates);
                change(original, map, x, amplitude, pixels)
            }))
        });
        let sums = tensor(sums.collect(), Shape::from([1, 3]));
        (x, first, second, pixels, sums)
    }
}

// The functions below have loops rather than iterators' closures, so that `Level::run` compiles them for its level.

/// Writes `original + amplitude * map * tanh(delta)` and returns the sum of the squared changes. All slices have one
/// length, at most some ten thousand because squares are summed in float32.
fn change(original: &[f32], map: &[f32], delta: &[f32], amplitude: f32, pixels: &mut [f32]) -> f64 {
    Level::detected().run(
        #[inline(always)]
        || {
            for ((pixel, map), delta) in pixels.iter_mut().zip(map).zip(delta) {
                *pixel = tanh(*delta) * map * amplitude;
            }
            let squares = sum_of_squares(pixels);
            for (pixel, x) in pixels.iter_mut().zip(original) {
                *pixel += x;
            }
            squares
        },
    )
}

/// Updates parameters and both means by a step of Adam. `gradient` is that of the descriptor term with respect to the
/// changed pixels; the image term adds `weight` times the change. All slices have one length.
fn advance(
    [x, first, second]: [&mut [f32]; 3],
    gradient: &[f32],
    map: &[f32],
    [amplitude, weight]: [f32; 2],
    rates: Rates,
) {
    Level::detected().run(
        #[inline(always)]
        || {
            let states = x.iter_mut().zip(first).zip(second);
            for (((x, first), second), (gradient, map)) in states.zip(gradient.iter().zip(map)) {
                let (slope, largest) = (tanh(*x), map * amplitude);
                let to_change = gradient + slope * largest * weight;
                rates.advance(x, first, second, to_change * largest * (1.0 - slope * slope));
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_those_of_double_precision() {
        for len in [0, 1, 16, 19, 1 << 14] {
            let delta: Vec<f32> = (0..len).map(|i| (i % 97) as f32 / 40.0 - 1.2).collect();
            let map: Vec<f32> = (0..len).map(|i| (i % 13) as f32 / 100.0).collect();
            let mut pixels = vec![0.0; len];
            let found = change(&vec![0.5; len], &map, &delta, 0.7, &mut pixels);
            let changes = delta.iter().zip(&map).map(|(x, map)| f64::from(x.tanh() * map * 0.7));
            let expected: f64 = changes.clone().map(|change| change * change).sum();
            assert!((found - expected).abs() <= 1e-5 * expected, "{found} for {expected}");
            assert!(
                pixels
                    .iter()
                    .zip(changes)
                    .all(|(pixel, change)| { (f64::from(*pixel) - 0.5 - change).abs() < 1e-6 })
            );
        }
    }
}
