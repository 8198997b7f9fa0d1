//! Metric that weights the cost of a change.

use burn::tensor::{Tensor, module::avg_pool2d, ops::AvgPoolOptions};

use super::psnr::mean_square;
use crate::{Budget, luminance::luminance};

/// Share of the budget's tightness in the cost of a squared change, see [`metric`].
const EVENNESS: f64 = 1.0 / 45.0;
/// Side of SSIM's windows (Wang et al. 2004), in pixels.
const WINDOW: usize = 7;
/// Stabiliser `C2` of SSIM, for pixels of [0, 1].
const STABILISER: f64 = 0.0009;

/// Metric `m` of an image: a change `x` of a pixel costs `x^2 / m`, where `1 / m = 1 / H^2 + 1 / (2 V + C2) + E`.
///
/// The first term counts visibility, with the JND map `H`. The second counts the loss of SSIM: by its definition a
/// change of variance `s` costs `s / (2 V + C2)` to first order where the luminance has variance `V`. Without this
/// term dark and even surfaces, where the map is largest, would take most of the change. `E` is a constant cost. It
/// is 0 for budgets of at most the default PSNR and grows with tighter ones: a small change is hardly visible
/// anywhere, and spread evenly it moves the descriptor further. With `e` the mean square that leaves `psnr` dB,
/// `E = (1 / e - 1 / e_default) / 45`.
///
/// # Shapes
/// `[1, 3, h, w]` in [0, 1], JND map `[1, 1, h, w]` -> `[1, 1, h, w]`
pub(super) fn metric(image: &Tensor<4>, map: &Tensor<4>, psnr: f64) -> Tensor<4> {
    let luminance = luminance(image);
    let windows = AvgPoolOptions::new([WINDOW; 2]).with_stride([1; 2]).with_padding([WINDOW / 2; 2]);
    let windows = windows.with_count_include_pad(false);
    let mean = |x: Tensor<4>| avg_pool2d(x, windows.clone());
    let local = mean(luminance.clone());
    let variance = (mean(luminance.clone() * luminance) - local.clone() * local).clamp_min(0.0);
    let structure = (variance * 2.0 + STABILISER).recip();
    let tightness = (mean_square(psnr).recip() - mean_square(Budget::default().psnr).recip()).max(0.0);
    ((map.clone() * map.clone()).recip() + structure + EVENNESS * tightness).recip()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::jnd_map;

    fn image(height: usize, width: usize) -> Tensor<4> {
        let values = (0..3 * height * width).map(|i| ((i * 7919) % 251) as f32 / 250.0).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, height, width]), &Device::flex())
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

    /// Compares the range of costs over the pixels, which is the same for all budgets no tighter than the default.
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
}
