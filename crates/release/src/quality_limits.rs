//! Minimum quality of released images.

use activate::Optimiser;
use image::{ImageBuffer, Pixel, Primitive};
use image_file::{Encoded, Encoding, Pixels};

use crate::{
    error::{Error, Result},
    quality::{self, Quality},
};

/// Minimum SSIM of [`QualityLimits::standard`].
const MIN_SSIM: f64 = 0.98;
/// Number of halvings of the interval that contains the strongest allowed change.
const HALVINGS: usize = 7;

/// Limits on the quality of a released file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QualityLimits {
    /// Minimum PSNR in dB.
    pub min_psnr: Option<f64>,
    /// Minimum SSIM.
    pub min_ssim: Option<f64>,
    /// Maximum change of a value, in 8-bit levels.
    pub max_linf: Option<u8>,
}

impl QualityLimits {
    /// Returns the limits that hold unless others are set: those of steepest descent for lossless files, which can keep them,
    /// none otherwise.
    pub fn standard(optimiser: &Optimiser, encoding: Encoding) -> Self {
        match optimiser {
            Optimiser::Steepest(budget) if encoding.is_lossless() => {
                Self { min_psnr: Some(budget.psnr), min_ssim: Some(MIN_SSIM), max_linf: None }
            }
            _ => Self::default(),
        }
    }

    fn allows(&self, quality: &Quality) -> bool {
        self.min_psnr.is_none_or(|least| quality.psnr >= least)
            && self.min_ssim.is_none_or(|least| quality.ssim >= least)
            && self.max_linf.is_none_or(|most| quality.linf <= most)
    }

    /// Finds the strongest change towards `activated` that the limits allow. Returns its file, the pixels read back from it,
    /// and their quality. `write` encodes pixels and decodes them again.
    ///
    /// # Errors
    /// If not even the unchanged original keeps the limits in this file format.
    pub(crate) fn spend(
        &self,
        original: &Pixels,
        activated: &Pixels,
        mut write: impl FnMut(&Pixels) -> Result<(Encoded, Pixels)>,
    ) -> Result<(Encoded, Pixels, Quality)> {
        let compared = original.to_rgb8();
        let mut attempt = |share: f32| -> Result<_> {
            let (file, pixels) = write(&blend(original, activated, share))?;
            let quality = quality::measure(&compared, &pixels.to_rgb8())?;
            Ok((file, pixels, quality))
        };
        let whole = attempt(1.0)?;
        if self.allows(&whole.2) {
            return Ok(whole);
        }
        let mut best = attempt(0.0)?;
        if !self.allows(&best.2) {
            return Err(Error::BelowLimits { psnr: best.2.psnr, ssim: best.2.ssim });
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            let candidate = attempt(middle)?;
            if self.allows(&candidate.2) {
                (low, best) = (middle, candidate);
            } else {
                high = middle;
            }
        }
        Ok(best)
    }
}

/// Computes `original + share * (activated - original)`, rounded. Both have the same depth, or the released file has 8 bits.
fn blend(original: &Pixels, activated: &Pixels, share: f32) -> Pixels {
    match (original, activated) {
        (Pixels::Sixteen(from), Pixels::Sixteen(to)) => {
            Pixels::Sixteen(mixed(from, to, |from, to| mix(from.into(), to.into(), share) as u16))
        }
        (from, to) => {
            let byte = |from: u8, to: u8| mix(from.into(), to.into(), share) as u8;
            Pixels::Eight(mixed(&from.to_rgb8(), &to.to_rgb8(), byte))
        }
    }
}

fn mix(from: f32, to: f32, share: f32) -> f32 {
    (from + share * (to - from)).round()
}

fn mixed<P: Pixel<Subpixel = T>, T: Primitive>(
    from: &ImageBuffer<P, Vec<T>>,
    to: &ImageBuffer<P, Vec<T>>,
    mix: impl Fn(T, T) -> T,
) -> ImageBuffer<P, Vec<T>> {
    let mut mixed = to.clone();
    mixed.iter_mut().zip(from.iter()).for_each(|(to, from)| *to = mix(*from, *to));
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use activate::{Budget, Masked};
    use image::{Rgb, RgbImage};

    fn file() -> Encoded {
        Encoded { bytes: Vec::new(), notes: Vec::new() }
    }

    #[test]
    fn the_minimum_quality_is_kept_and_nearly_used_up() {
        let original = RgbImage::from_fn(32, 32, |x, y| Rgb([(x * 7) as u8, (y * 7) as u8, 128]));
        let activated =
            RgbImage::from_fn(32, 32, |x, y| Rgb(original.get_pixel(x, y).0.map(|v| v.saturating_add(30))));
        let (original, activated) = (Pixels::Eight(original), Pixels::Eight(activated));
        let limits = QualityLimits { min_psnr: Some(30.0), ..QualityLimits::default() };
        let (_, _, quality) =
            limits.spend(&original, &activated, |pixels| Ok((file(), pixels.clone()))).unwrap();
        assert!(quality.psnr >= 30.0 && quality.psnr < 31.0, "{}", quality.psnr);
        let impossible = QualityLimits { min_psnr: Some(30.0), ..QualityLimits::default() };
        let refused = impossible.spend(&original, &activated, |pixels| {
            let (width, height) = pixels.dimensions();
            Ok((file(), Pixels::Eight(RgbImage::from_pixel(width, height, Rgb([0; 3])))))
        });
        assert!(refused.unwrap_err().to_string().starts_with("the file format alone"));
    }

    #[test]
    fn standard_limits_are_those_of_steepest_descent_in_lossless_files() {
        let budget = Budget { psnr: 45.0, ..Budget::default() };
        let steepest = Optimiser::Steepest(budget);
        let kept = QualityLimits { min_psnr: Some(45.0), min_ssim: Some(MIN_SSIM), max_linf: None };
        assert_eq!(QualityLimits::standard(&steepest, Encoding::WebP), kept);
        let jpeg = Encoding::Jpeg { quality: 95, full_chroma: true };
        assert_eq!(QualityLimits::standard(&steepest, jpeg), QualityLimits::default());
        let adam = Optimiser::Adam(Masked::default());
        assert_eq!(QualityLimits::standard(&adam, Encoding::Png), QualityLimits::default());
    }

    #[test]
    fn half_of_a_change_is_exact_in_16_bits() {
        let of = |level: u16| Pixels::Sixteen(ImageBuffer::from_pixel(2, 2, Rgb([level; 3])));
        assert_eq!(blend(&of(1000), &of(1003), 0.5), of(1002));
        assert_eq!(blend(&of(1000), &of(1003), 0.0), of(1000));
    }
}
