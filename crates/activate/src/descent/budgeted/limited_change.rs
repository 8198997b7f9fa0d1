//! Changes within the limits of a budget.

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::{Device, Shape, Tensor},
};
use burn_flex::FlexTensor;
use rayon::prelude::*;
use simd::Level;

use super::{
    super::{
        changed_image::ChangedImage,
        squares::{sum_of_squares, weighted_sum_of_squares},
    },
    metric::metric,
};
use crate::{
    Budget, jnd_map,
    planes::{CHUNK, ordered, sum_in_order, tensor, values},
};

/// Limits on the change of an image, and the metric that weights its cost.
pub(super) struct LimitedChange {
    /// Original image, `[1, 3, h, w]`.
    original: Tensor<4>,
    /// JND map, `[1, 1, h, w]`.
    map: Tensor<4>,
    /// Metric, `[1, 1, h, w]`.
    metric: Tensor<4>,
    budget: Budget,
}

impl LimitedChange {
    /// Limits of an image `[1, 3, h, w]` in [0, 1].
    pub fn new(original: Tensor<4>, budget: Budget) -> Self {
        let map = jnd_map(original.clone());
        Self { metric: metric(&original, &map, budget.psnr), map, original, budget }
    }

    /// Original image, `[1, 3, h, w]`.
    pub fn original(&self) -> &Tensor<4> {
        &self.original
    }

    /// Metric, `[1, 1, h, w]`.
    #[cfg(test)]
    pub fn metric(&self) -> &Tensor<4> {
        &self.metric
    }

    /// Root mean square of `m x` over all values of `x`, `[1, 3, h, w] -> [1, 1, 1, 1]`.
    pub fn weighted_length(&self, x: &Tensor<4>) -> Tensor<4> {
        if x.device() == Device::flex() {
            let [_, _, h, w] = self.original.dims();
            return length_of(&(weighted_squares(x, &self.metric) / (h * w) as f64));
        }
        root_mean_square(x.clone() * self.metric.clone())
    }

    /// The original with the change `factor m x`, limited by the budget's largest change and to pixels of [0, 1].
    ///
    /// # Shapes
    /// `[1, 3, h, w]`, `[1, 1, 1, 1]`
    pub fn apply(&self, x: Tensor<4>, factor: Tensor<4>) -> ChangedImage {
        let Self { original, map, metric, budget } = self;
        if x.device() == Device::flex() {
            let limits = [budget.jnd as f32, budget.linf as f32];
            let (pixels, sums) = limited_change([original, map, metric], x, factor, limits);
            return ChangedImage::from_sums(pixels, sums);
        }
        let limit = (map.clone() * budget.jnd).clamp_max(budget.linf);
        let change = x * metric.clone() * factor;
        let change = change.min_pair(limit.clone()).max_pair(limit.neg());
        let pixels = (change + original.clone()).clamp(0.0, 1.0);
        let change = pixels.clone() - original.clone();
        let [_, _, h, w] = pixels.dims();
        let mean_squares = (change.clone() * change).reshape([1, 3, h * w]).mean_dim(2).squeeze_dim(2);
        ChangedImage { pixels, mean_squares }
    }
}

/// Root mean square over all channels, from the mean square of each: `[1, 3]` -> `[1, 1, 1, 1]`.
pub(super) fn length_of(mean_squares: &Tensor<2>) -> Tensor<4> {
    floored(mean_squares.clone().mean().sqrt())
}

/// Root mean square of all values, `[1, 1, 1, 1]`.
pub(super) fn root_mean_square(x: Tensor<4>) -> Tensor<4> {
    floored((x.clone() * x).mean().sqrt())
}

/// Length as a divisor, never 0.
fn floored(length: Tensor<1>) -> Tensor<4> {
    length.clamp_min(1e-20).reshape([1, 1, 1, 1])
}

/// Sums of the squares of each channel of `metric * x` on the CPU, `[1, 3]`.
fn weighted_squares(x: &Tensor<4>, metric: &Tensor<4>) -> Tensor<2> {
    let [x, metric] = [x, metric].map(|tensor| tensor.clone().into_dispatch());
    Tensor::from_dispatch(Dispatch::weighted_squares(x, metric))
}

/// The original with the change `factor * metric * x`, limited, and the sums of the squared changes of each channel,
/// `[1, 3]`, on the CPU. The pixels reuse the memory of `x`.
fn limited_change(
    image: [&Tensor<4>; 3],
    x: Tensor<4>,
    factor: Tensor<4>,
    limits: [f32; 2],
) -> (Tensor<4>, Tensor<2>) {
    let [original, map, metric] = image.map(|tensor| tensor.clone().into_dispatch());
    let (x, factor) = (x.into_dispatch(), factor.into_dispatch());
    let (pixels, sums) = Dispatch::limited_change(x, factor, original, map, metric, limits);
    (Tensor::from_dispatch(pixels), Tensor::from_dispatch(sums))
}

/// Backend operations of this module.
#[backend_extension(Flex)]
pub trait BudgetedBackend: Backend {
    /// Sums of the squares of each channel of `metric * x`, `[1, 3]`.
    fn weighted_squares(x: FloatTensor<Self>, metric: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Changed pixels, and the sums of the squared changes of each channel, `[1, 3]`. `limits` are the largest change
    /// in units of the map and in pixels of [0, 1].
    fn limited_change(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        original: FloatTensor<Self>,
        map: FloatTensor<Self>,
        metric: FloatTensor<Self>,
        limits: [f32; 2],
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl BudgetedBackend for Flex {
    fn weighted_squares(x: FlexTensor, metric: FlexTensor) -> FlexTensor {
        let (x, metric) = (x.to_contiguous(), metric.to_contiguous());
        let (x, metric) = (values(&x), values(&metric));
        let sums = x.chunks_exact(metric.len()).map(|plane| {
            let parts = plane.par_chunks(CHUNK).zip(metric.par_chunks(CHUNK));
            sum_in_order(parts.map(|(x, metric)| {
                Level::detected().run(
                    #[inline(always)]
                    || weighted_sum_of_squares(x, metric),
                )
            }))
        });
        tensor(sums.collect(), Shape::from([1, 3]))
    }

    fn limited_change(
        x: FlexTensor,
        factor: FlexTensor,
        original: FlexTensor,
        map: FlexTensor,
        metric: FlexTensor,
        limits: [f32; 2],
    ) -> (FlexTensor, FlexTensor) {
        let (mut pixels, factor) = (ordered(x), values(&factor)[0]);
        let [original, map, metric] = [original, map, metric].map(|tensor| tensor.to_contiguous());
        let [original, map, metric] = [&original, &map, &metric].map(values);
        let planes = pixels.storage_mut::<f32>().chunks_exact_mut(map.len());
        let sums = planes.zip(original.chunks_exact(map.len())).map(|(pixels, original)| {
            let inputs = original.par_chunks(CHUNK).zip(map.par_chunks(CHUNK)).zip(metric.par_chunks(CHUNK));
            sum_in_order(pixels.par_chunks_mut(CHUNK).zip(inputs).map(
                |(pixels, ((original, map), metric))| change(pixels, factor, [original, map, metric], limits),
            ))
        });
        let sums = tensor(sums.collect(), Shape::from([1, 3]));
        (pixels, sums)
    }
}

/// Replaces `x` by pixels and returns the sum of the squared changes, of at most some ten thousand. The change is
/// `factor * metric * x`, but at most the smaller of `jnd * map` and `linf`. Loops rather than iterators' closures,
/// so that [`Level::run`] compiles them for its level.
fn change(x: &mut [f32], factor: f32, [original, map, metric]: [&[f32]; 3], [jnd, linf]: [f32; 2]) -> f64 {
    Level::detected().run(
        #[inline(always)]
        || {
            for (((x, original), map), metric) in x.iter_mut().zip(original).zip(map).zip(metric) {
                let limit = (map * jnd).min(linf);
                let change = (*x * metric * factor).min(limit).max(-limit);
                *x = (original + change).clamp(0.0, 1.0) - original;
            }
            let squares = sum_of_squares(x);
            for (x, original) in x.iter_mut().zip(original) {
                *x += original;
            }
            squares
        },
    )
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn image(height: usize, width: usize) -> Tensor<4> {
        let values = (0..3 * height * width).map(|i| ((i * 7919) % 251) as f32 / 250.0).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, height, width]), &Device::flex())
    }

    /// Compares the CPU's passes with the operations of every device.
    #[test]
    fn clipping_is_the_same_on_every_device() {
        let original = image(13, 17);
        let map = jnd_map(original.clone());
        let (metric, lifted) = (metric(&original, &map, 48.0), image(13, 17) - 0.4);
        let factor = Tensor::full([1; 4], 5.0, &Device::flex());
        let (pixels, sums) = limited_change([&original, &map, &metric], lifted.clone(), factor, [2.0, 0.03]);
        let limit = (map * 2.0).clamp_max(0.03);
        let change = (lifted.clone() * metric.clone() * 5.0).min_pair(limit.clone()).max_pair(limit.neg());
        let expected = (original.clone() + change).clamp(0.0, 1.0);
        let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
        assert!(far(pixels, expected.clone()) < 1e-6);
        let change = expected - original;
        let squares = (change.clone() * change).sum().into_scalar::<f32>();
        assert!((sums.sum().into_scalar::<f32>() - squares).abs() < 1e-5 * squares);
        let weighted = (lifted.clone() * metric.clone()).powi_scalar(2).sum().into_scalar::<f32>();
        let found = weighted_squares(&lifted, &metric).sum().into_scalar::<f32>();
        assert!((found - weighted).abs() < 1e-5 * weighted);
    }
}
