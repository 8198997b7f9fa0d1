//! Steepest descent under a budget of squared change.
//!
//! A change `x` of a pixel costs `x^2 / m`: see [`metric`]. The way that goes down fastest for what it costs is `-m g`,
//! where `g = R^T g'` is the gradient to the pixels, lifted from that to the network's input by the transpose of the
//! resize. All steps together are `m R^T d` with one `d` as small as the network's input: that and the momentum are all
//! that is kept of the way, whatever the size of the image.

use burn::tensor::{Device, Tensor, module::avg_pool2d, ops::AvgPoolOptions};
use extractor::transfer::upload;

use crate::{
    Budget, DescriptorNetwork,
    host::{self, Changed, Cost},
    jnd::{LUMINANCE, jnd_map},
    pixels::{Depth, round_to},
};

/// Share of the last direction in the next one.
const MOMENTUM: f64 = 0.9;
/// Length of a step, in budgets, and of all steps together at least, so that few of them spend the budget too.
const RATE: f64 = 0.5;
const WAY: f64 = 1.6;
/// Share of the budget's tightness that the square of a change costs by itself, see [`metric`].
const EVEN: f64 = 1.0 / 45.0;
/// How often the last change is scaled to what clipping left of the budget.
const REFILLS: usize = 3;
/// Side of the windows of SSIM (Wang et al. 2004), in pixels, and its stabiliser `C2` of pixels of [0, 1].
const WINDOW: usize = 7;
const STABILISER: f64 = 0.0009;

/// An image and what it may cost to change it. All is of the image's size but where it says so.
pub(crate) struct Budgeted {
    original: Tensor<4>,
    /// The JND map, `[1, 1, h, w]`.
    map: Tensor<4>,
    /// `[1, 1, h, w]`.
    metric: Tensor<4>,
    budget: Budget,
    depth: Depth,
    /// Length of a step, in budgets.
    rate: f64,
    /// Root mean square of the change before it is rounded.
    allowed: f64,
    /// Sums of gradients, `[1, 3, h', w']`.
    momentum: Tensor<4>,
    /// `d`, `[1, 3, h', w']`.
    small: Tensor<4>,
    /// How much larger the change is than `d`, in root mean squares; unknown before the first step. `[1, 1, 1, 1]`.
    reach: Option<Tensor<4>>,
    /// What makes up for clipping, `[1, 1, 1, 1]`.
    fill: Tensor<4>,
    changed: Changed,
}

impl Budgeted {
    pub(crate) fn new(
        original: Tensor<4>,
        budget: Budget,
        depth: Depth,
        iterations: usize,
        network: &impl DescriptorNetwork,
    ) -> Self {
        let map = jnd_map(original.clone());
        let none = network.prepare(original.clone()).zeros_like();
        Self {
            metric: metric(&original, &map, budget.psnr),
            map,
            allowed: allowed(budget.psnr, depth),
            budget,
            depth,
            rate: RATE.max(WAY / iterations.max(1) as f64),
            momentum: none.clone(),
            small: none,
            reach: None,
            fill: Tensor::ones([1; 4], &original.device()),
            changed: (original.clone(), Tensor::zeros([1, 3], &original.device())),
            original,
        }
    }

    /// The changed pixels and the mean squared change of each channel.
    pub(crate) fn changed(&self) -> Changed {
        self.changed.clone()
    }

    /// One step against `gradient`, `[1, 3, h', w']`.
    pub(crate) fn step(self, gradient: Tensor<4>, network: &impl DescriptorNetwork) -> Self {
        let unit = gradient.clone() / root_mean_square(gradient);
        let momentum = self.momentum.clone() * MOMENTUM + unit;
        let length = root_mean_square(momentum.clone());
        let reach = match &self.reach {
            Some(reach) => reach.clone(),
            None => self.cost(&self.lift(&momentum, network)) / length.clone(),
        };
        let small = self.small.clone() - momentum.clone() / length / reach * (self.rate * self.allowed);
        let lifted = self.lift(&small, network);
        let cost = self.cost(&lifted);
        let reach = cost.clone() / root_mean_square(small.clone());
        let scale = (cost.clone() / self.allowed).clamp_min(1.0).recip();
        let changed = self.spend(lifted, scale.clone() * self.fill.clone());
        let missing = cost * scale.clone() / length_of(&changed.1);
        let fill = (self.fill.clone() * missing).clamp(1.0, 4.0);
        Self { momentum, small: small * scale, reach: Some(reach), fill, changed, ..self }
    }

    /// The changed pixels, with as much of the budget as clipping leaves once they are rounded.
    pub(crate) fn finish(self, network: &impl DescriptorNetwork) -> Tensor<4> {
        // An early stop may come before that is as far as the budget.
        let reached = self.cost(&self.lift(&self.small, network)) / self.allowed;
        let wanted = reached * squared(self.budget.psnr).sqrt();
        let (mut fill, mut pixels) = (self.fill.clone(), self.changed.0.clone());
        for _ in 0..REFILLS {
            let rounded = round_to(pixels, self.depth) - self.original.clone();
            fill = fill * (wanted.clone() / root_mean_square(rounded)).clamp(0.25, 4.0);
            pixels = self.spend(self.lift(&self.small, network), fill.clone()).0;
        }
        pixels
    }

    /// `R^T x`.
    fn lift(&self, x: &Tensor<4>, network: &impl DescriptorNetwork) -> Tensor<4> {
        let [_, _, h, w] = self.original.dims();
        network.lift(x.clone(), [h, w])
    }

    /// Root mean square of `m x`.
    fn cost(&self, lifted: &Tensor<4>) -> Tensor<4> {
        if lifted.device() == Device::flex() {
            return length_of(&self.mean(host::weighed(lifted, &self.metric)));
        }
        root_mean_square(lifted.clone() * self.metric.clone())
    }

    /// The image with the change `factor m x`, clipped to the cap and to [0, 1].
    fn spend(&self, lifted: Tensor<4>, factor: Tensor<4>) -> Changed {
        let Self { original, map, metric, budget, .. } = self;
        if lifted.device() == Device::flex() {
            let cost = Cost { original, map, metric, jnd: budget.jnd as f32, linf: budget.linf as f32 };
            let (pixels, sums) = host::spend(cost, lifted, factor);
            return (pixels, self.mean(sums));
        }
        let limit = (map.clone() * budget.jnd).clamp_max(budget.linf);
        let change = lifted * metric.clone() * factor;
        let change = change.min_pair(limit.clone()).max_pair(limit.neg());
        let pixels = (change + original.clone()).clamp(0.0, 1.0);
        let change = pixels.clone() - original.clone();
        let [_, _, h, w] = pixels.dims();
        let squares = (change.clone() * change).reshape([1, 3, h * w]).mean_dim(2).squeeze_dim(2);
        (pixels, squares)
    }

    /// Sums over the pixels as means.
    fn mean(&self, sums: Tensor<2>) -> Tensor<2> {
        let [_, _, h, w] = self.original.dims();
        sums / (h * w) as f64
    }
}

/// What the square of a change is divided by for its cost: `1 / m = 1 / H^2 + 1 / (2 V + C2) + E`.
///
/// The first term counts what is noticed, with the JND map `H`. The second one counts what SSIM loses: by its definition
/// a change of variance `s` where the luminance has the variance `V` costs `s / (2 V + C2)`, to first order. Without it
/// dark and even surfaces, where the map allows most, would take most of the change. `E` is the square's own cost: 0 where the
/// budget is the default or more, and the higher the tighter it is, because less and less of a change is noticed wherever
/// it is, and spread evenly it moves a descriptor farther. With `e` the mean square that leaves so many dB it is
/// `(1 / e - 1 / e_default) / 45`.
///
/// # Shapes
/// `[1, 3, h, w]` in [0, 1] and its map `[1, 1, h, w]` -> `[1, 1, h, w]`
fn metric(image: &Tensor<4>, map: &Tensor<4>, psnr: f64) -> Tensor<4> {
    let weights = upload(LUMINANCE.to_vec(), [1, 3, 1, 1], &image.device());
    let luminance = (image.clone() * weights).sum_dim(1);
    let windows = AvgPoolOptions::new([WINDOW; 2]).with_stride([1; 2]).with_padding([WINDOW / 2; 2]);
    let windows = windows.with_count_include_pad(false);
    let mean = |x: Tensor<4>| avg_pool2d(x, windows.clone());
    let local = mean(luminance.clone());
    let variance = (mean(luminance.clone() * luminance) - local.clone() * local).clamp_min(0.0);
    let structure = (variance * 2.0 + STABILISER).recip();
    let tightness = (squared(psnr).recip() - squared(Budget::default().psnr).recip()).max(0.0);
    ((map.clone() * map.clone()).recip() + structure + EVEN * tightness).recip()
}

/// Root mean square of the change that leaves so many dB after rounding, whose errors are uniform.
fn allowed(psnr: f64, depth: Depth) -> f64 {
    let rounding = 1.0 / (12.0 * f64::from(depth.top()).powi(2));
    (squared(psnr) - rounding).max(squared(psnr) * 1e-3).sqrt()
}

/// Mean square of the change that leaves so many dB and a little more, because a budget is to be held.
fn squared(psnr: f64) -> f64 {
    const RESERVE: f64 = 0.02;
    10f64.powf(-(psnr + RESERVE) / 10.0)
}

/// From mean squares of channels, `[1, 3]` -> `[1, 1, 1, 1]`.
fn length_of(squares: &Tensor<2>) -> Tensor<4> {
    floored(squares.clone().mean().sqrt())
}

/// `[1, 1, 1, 1]`.
fn root_mean_square(x: Tensor<4>) -> Tensor<4> {
    floored((x.clone() * x).mean().sqrt())
}

/// Never 0.
fn floored(length: Tensor<1>) -> Tensor<4> {
    length.clamp_min(1e-20).reshape([1, 1, 1, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    fn image(height: usize, width: usize) -> Tensor<4> {
        let values = (0..3 * height * width).map(|i| ((i * 7919) % 251) as f32 / 250.0).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, height, width]), &Device::flex())
    }

    #[test]
    fn rounding_is_part_of_what_is_allowed() {
        let eight = 1.0 / (12.0 * 255.0 * 255.0);
        for psnr in [30.0, 42.5, 48.0] {
            let found = -10.0 * (allowed(psnr, Depth::Eight).powi(2) + eight).log10();
            assert!((found - psnr - 0.02).abs() < 1e-6, "{found} for {psnr}");
        }
        assert!(allowed(99.0, Depth::Eight) > 0.0);
    }

    /// Sees images as they are.
    struct Eye;

    impl DescriptorNetwork for Eye {
        fn dimension(&self) -> usize {
            0
        }

        fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
            pixels
        }

        fn describe(&self, input: Tensor<4>) -> Tensor<2> {
            input.flatten::<2>(1, 3)
        }
    }

    /// By Cauchy and Schwarz, what lowers a linear objective most for its cost `sum x^2 / m` is `-m g`.
    #[test]
    fn the_first_step_is_the_steepest() {
        let (original, gradient) = (image(12, 14) * 0.5 + 0.25, image(12, 14) - 0.3);
        let budget = Budget { psnr: 70.0, ..Budget::default() };
        let descent = Budgeted::new(original.clone(), budget, Depth::Sixteen, 10, &Eye);
        let (cost, lowered) = (descent.metric.clone().recip(), |x: Tensor<4>| (x * gradient.clone()).sum());
        let change = descent.step(gradient.clone(), &Eye).changed().0 - original.clone();
        let ratio = |x: Tensor<4>| {
            let spent = (x.clone() * x.clone() * cost.clone()).sum().sqrt();
            (lowered(x) / spent).into_scalar::<f32>()
        };
        let best = ratio(change.clone());
        assert!(best < 0.0);
        for other in
            [gradient.clone().neg(), gradient.clone().sign().neg(), change.clone() - image(12, 14) * 1e-4]
        {
            assert!(ratio(other) > best);
        }
    }

    #[test]
    fn flat_surfaces_cost_most() {
        let flat = Tensor::<4>::full([1, 3, 20, 20], 0.05, &Device::flex());
        let cheapest = |image: &Tensor<4>| {
            let metric = metric(image, &jnd_map(image.clone()), Budget::default().psnr);
            metric.slice([0..1, 0..1, 8..12, 8..12]).mean().into_scalar::<f32>()
        };
        assert!(f64::from(cheapest(&flat)) < STABILISER);
        assert!(cheapest(&image(20, 20)) > 2.0 * cheapest(&flat));
    }

    /// The dearest pixel's cost over the cheapest one's: the same at every budget that is no tighter than the default.
    #[test]
    fn tight_budgets_are_spent_evenly() {
        let image = Tensor::cat(vec![image(20, 20), image(20, 20) * 0.1 + 0.4], 3);
        let map = jnd_map(image.clone());
        let range = |psnr| {
            let metric = metric(&image, &map, psnr);
            metric.clone().max().into_scalar::<f32>() / metric.min().into_scalar::<f32>()
        };
        let ranges = [30.0, 42.5, 45.0, 48.0, 55.0].map(range);
        assert_eq!(ranges[0], ranges[1]);
        assert!(ranges[1..].is_sorted_by(|a, b| a > b) && ranges[4] < 1.5, "{ranges:?}");
    }

    /// The passes of the CPU against the operations of every device.
    #[test]
    fn clipping_is_the_same_on_every_device() {
        let original = image(13, 17);
        let map = jnd_map(original.clone());
        let (metric, lifted) = (metric(&original, &map, 48.0), image(13, 17) - 0.4);
        let cost = Cost { original: &original, map: &map, metric: &metric, jnd: 2.0, linf: 0.03 };
        let factor = Tensor::full([1; 4], 5.0, &Device::flex());
        let (pixels, sums) = host::spend(cost, lifted.clone(), factor);
        let limit = (map * 2.0).clamp_max(0.03);
        let change = (lifted.clone() * metric.clone() * 5.0).min_pair(limit.clone()).max_pair(limit.neg());
        let expected = (original.clone() + change).clamp(0.0, 1.0);
        let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
        assert!(far(pixels, expected.clone()) < 1e-6);
        let change = expected - original;
        let squares = (change.clone() * change).sum().into_scalar::<f32>();
        assert!((sums.sum().into_scalar::<f32>() - squares).abs() < 1e-5 * squares);
        let weighed = (lifted.clone() * metric.clone()).powi_scalar(2).sum().into_scalar::<f32>();
        assert!(
            (host::weighed(&lifted, &metric).sum().into_scalar::<f32>() - weighed).abs() < 1e-5 * weighed
        );
    }
}
