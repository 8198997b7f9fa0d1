//! Mean squares of changes from peak signal-to-noise ratios.

use crate::pixels::Depth;

/// Root mean square of a change that leaves `psnr` dB after rounding, whose errors are uniform.
pub(super) fn allowed_change(psnr: f64, depth: Depth) -> f64 {
    let rounding = 1.0 / (12.0 * f64::from(depth.top()).powi(2));
    (mean_square(psnr) - rounding).max(mean_square(psnr) * 1e-3).sqrt()
}

/// Mean square of a change that leaves `psnr` dB, with a small reserve so that the budget is kept.
pub(super) fn mean_square(psnr: f64) -> f64 {
    const RESERVE: f64 = 0.02;
    10f64.powf(-(psnr + RESERVE) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_part_of_what_is_allowed() {
        let eight = 1.0 / (12.0 * 255.0 * 255.0);
        for psnr in [30.0, 42.5, 48.0] {
            let found = -10.0 * (allowed_change(psnr, Depth::Eight).powi(2) + eight).log10();
            assert!((found - psnr - 0.02).abs() < 1e-6, "{found} for {psnr}");
        }
        assert!(allowed_change(99.0, Depth::Eight) > 0.0);
    }
}
