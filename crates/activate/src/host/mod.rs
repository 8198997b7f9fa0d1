//! The passes over all pixels on the CPU: each value is read once and written once, by all threads.

mod kernels;
mod masking;
mod vectors;

pub(crate) use vectors::widest;

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use crate::adam::{Adam, Optimised};

/// Values that a thread takes at once: those of all tensors of a pass stay in its second-level cache.
pub(crate) const CHUNK: usize = 1 << 14;

/// What scales the change of each channel, and the gradient of the image's term.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// `S_c`: with the JND map, the largest change.
    pub amplitude: [f32; 3],
    /// What the gradient of the mean squared change is per unit of change.
    pub weight: [f32; 3],
}

/// One way down.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    pub channels: Channels,
    pub adam: Adam,
}

/// What does not change on the way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// `[1, 3, h, w]`.
    pub original: &'a Tensor<4>,
    /// The JND map, `[1, 1, h, w]`.
    pub map: &'a Tensor<4>,
}

/// The changed pixels, `[1, 3, h, w]`, and the sums of the squared changes of each channel, `[1, 3]`.
pub(crate) type Changed = (Tensor<4>, Tensor<2>);

/// What `delta` makes of the original.
pub(crate) fn changed(scene: Scene<'_>, delta: &Tensor<4>, channels: Channels) -> Changed {
    let [original, map, delta] =
        [scene.original, scene.map, delta].map(|tensor| tensor.clone().into_dispatch());
    let (pixels, sums) = Dispatch::changed_pixels(original, map, delta, channels);
    (Tensor::from_dispatch(pixels), Tensor::from_dispatch(sums))
}

/// A step of Adam along the gradient to the changed pixels and that of the image's term, and what it makes of the
/// original, which lies where the gradient was.
pub(crate) fn step(scene: Scene<'_>, part: Optimised, gradient: Tensor<4>, by: Move) -> (Optimised, Changed) {
    let Optimised { x, first, second } = part;
    let [x, first, second, gradient] = [x, first, second, gradient].map(Tensor::into_dispatch);
    let [original, map] = [scene.original, scene.map].map(|tensor| tensor.clone().into_dispatch());
    let (x, first, second, pixels, sums) = Dispatch::adam_pass(x, first, second, gradient, original, map, by);
    let [x, first, second, pixels] = [x, first, second, pixels].map(Tensor::from_dispatch);
    (Optimised { x, first, second }, (pixels, Tensor::from_dispatch(sums)))
}

/// What changes of an image may be, and are divided by for what they cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost<'a> {
    /// `[1, 3, h, w]`.
    pub original: &'a Tensor<4>,
    /// The JND map, `[1, 1, h, w]`.
    pub map: &'a Tensor<4>,
    /// `[1, 1, h, w]`.
    pub metric: &'a Tensor<4>,
    /// Largest change, in units of the map.
    pub jnd: f32,
    /// Largest change, in pixels of [0, 1].
    pub linf: f32,
}

/// Sums of the squares of each channel of `metric * x`, `[1, 3]`.
pub(crate) fn weighed(x: &Tensor<4>, metric: &Tensor<4>) -> Tensor<2> {
    let [x, metric] = [x, metric].map(|tensor| tensor.clone().into_dispatch());
    Tensor::from_dispatch(Dispatch::weighed_squares(x, metric))
}

/// The original with the change `factor * metric * x`, clipped: pixels lie where `x` was.
pub(crate) fn spend(cost: Cost<'_>, x: Tensor<4>, factor: Tensor<4>) -> Changed {
    let [original, map, metric] =
        [cost.original, cost.map, cost.metric].map(|tensor| tensor.clone().into_dispatch());
    let (x, factor) = (x.into_dispatch(), factor.into_dispatch());
    let (pixels, sums) = Dispatch::spent_pixels(x, factor, original, map, metric, [cost.jnd, cost.linf]);
    (Tensor::from_dispatch(pixels), Tensor::from_dispatch(sums))
}

/// The JND map of images, `[n, 3, h, w]` -> `[n, 1, h, w]`.
pub(crate) fn jnd_map(pixels: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::mask_of(pixels.into_dispatch()))
}

/// Values clamped to [0, 1] and rounded to multiples of `1 / top`.
pub(crate) fn round_to(pixels: Tensor<4>, top: f32) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::levels_of(pixels.into_dispatch(), top))
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
    #[allow(clippy::type_complexity, reason = "the macro reads tuples, not aliases")]
    fn adam_pass(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        original: FloatTensor<Self>,
        map: FloatTensor<Self>,
        by: Move,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// See [`weighed`].
    fn weighed_squares(x: FloatTensor<Self>, metric: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`spend`].
    fn spent_pixels(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        original: FloatTensor<Self>,
        map: FloatTensor<Self>,
        metric: FloatTensor<Self>,
        limits: [f32; 2],
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// See [`jnd_map`].
    fn mask_of(pixels: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`round_to`].
    fn levels_of(pixels: FloatTensor<Self>, top: f32) -> FloatTensor<Self>;
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
        let planes = pixels.chunks_exact_mut(map.len()).zip(original.chunks_exact(map.len()));
        let planes = planes.zip(delta.chunks_exact(map.len())).zip(channels.amplitude);
        let sums = planes.map(|(((pixels, original), delta), amplitude)| {
            let inputs = original.par_chunks(CHUNK).zip(map.par_chunks(CHUNK)).zip(delta.par_chunks(CHUNK));
            let squares = pixels.par_chunks_mut(CHUNK).zip(inputs);
            sum(squares.map(|(pixels, ((original, map), delta))| {
                kernels::change(original, map, delta, amplitude, pixels)
            }))
        });
        let sums = tensor(sums.collect(), Shape::from([1, 3]));
        (tensor(pixels, shape), sums)
    }

    fn adam_pass(
        x: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        gradient: FlexTensor,
        original: FlexTensor,
        map: FlexTensor,
        by: Move,
    ) -> (FlexTensor, FlexTensor, FlexTensor, FlexTensor, FlexTensor) {
        let [mut x, mut first, mut second, mut pixels] = [x, first, second, gradient].map(own);
        let (original, map) = (original.to_contiguous(), map.to_contiguous());
        let (original, map) = (values(&original), values(&map));
        let (plane, rates) = (map.len(), by.adam.rates());
        let states = x.storage_mut::<f32>().chunks_exact_mut(plane);
        let states = states.zip(first.storage_mut::<f32>().chunks_exact_mut(plane));
        let states = states.zip(second.storage_mut::<f32>().chunks_exact_mut(plane));
        let images = pixels.storage_mut::<f32>().chunks_exact_mut(plane).zip(original.chunks_exact(plane));
        let scales = by.channels.amplitude.into_iter().zip(by.channels.weight);
        let sums = states.zip(images).zip(scales).map(|(parts, (amplitude, weight))| {
            let (((x, first), second), (pixels, original)) = parts;
            let states = x.par_chunks_mut(CHUNK).zip(first.par_chunks_mut(CHUNK));
            let states = states.zip(second.par_chunks_mut(CHUNK)).zip(map.par_chunks(CHUNK));
            let images = pixels.par_chunks_mut(CHUNK).zip(original.par_chunks(CHUNK));
            sum(states.zip(images).map(|((((x, first), second), map), (pixels, original))| {
                kernels::advance([x, first, second], pixels, map, [amplitude, weight], rates);
                kernels::change(original, map, x, amplitude, pixels)
            }))
        });
        let sums = tensor(sums.collect(), Shape::from([1, 3]));
        (x, first, second, pixels, sums)
    }

    fn weighed_squares(x: FlexTensor, metric: FlexTensor) -> FlexTensor {
        let (x, metric) = (x.to_contiguous(), metric.to_contiguous());
        let (x, metric) = (values(&x), values(&metric));
        let sums = x.chunks_exact(metric.len()).map(|plane| {
            let parts = plane.par_chunks(CHUNK).zip(metric.par_chunks(CHUNK));
            sum(parts.map(|(x, metric)| kernels::weighed(x, metric)))
        });
        tensor(sums.collect(), Shape::from([1, 3]))
    }

    fn spent_pixels(
        x: FlexTensor,
        factor: FlexTensor,
        original: FlexTensor,
        map: FlexTensor,
        metric: FlexTensor,
        limits: [f32; 2],
    ) -> (FlexTensor, FlexTensor) {
        let (mut pixels, factor) = (own(x), values(&factor)[0]);
        let [original, map, metric] = [original, map, metric].map(|tensor| tensor.to_contiguous());
        let [original, map, metric] = [&original, &map, &metric].map(values);
        let planes = pixels.storage_mut::<f32>().chunks_exact_mut(map.len());
        let sums = planes.zip(original.chunks_exact(map.len())).map(|(pixels, original)| {
            let inputs = original.par_chunks(CHUNK).zip(map.par_chunks(CHUNK)).zip(metric.par_chunks(CHUNK));
            sum(pixels.par_chunks_mut(CHUNK).zip(inputs).map(|(pixels, ((original, map), metric))| {
                kernels::spend(pixels, factor, [original, map, metric], limits)
            }))
        });
        let sums = tensor(sums.collect(), Shape::from([1, 3]));
        (pixels, sums)
    }

    fn mask_of(pixels: FlexTensor) -> FlexTensor {
        let pixels = pixels.to_contiguous();
        let shape = pixels.shape();
        let [images, height, width] = [shape[0], shape[2], shape[3]];
        let mut map = vec![0.0; images * height * width];
        let planes = values(&pixels).chunks_exact(3 * height * width);
        let maps = map.chunks_exact_mut(height * width);
        maps.zip(planes).for_each(|(map, planes)| masking::mask(planes, width, map));
        tensor(map, Shape::from([images, 1, height, width]))
    }

    fn levels_of(pixels: FlexTensor, top: f32) -> FlexTensor {
        let mut pixels = own(pixels);
        pixels.storage_mut::<f32>().par_chunks_mut(CHUNK).for_each(|values| kernels::round(values, top));
        pixels
    }
}

/// In order, so that the number of threads changes nothing.
fn sum(parts: impl IndexedParallelIterator<Item = f64>) -> f32 {
    parts.collect::<Vec<_>>().into_iter().sum::<f64>() as f32
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
