//! Holding a released image to a least quality.

use anyhow::{Result, ensure};
use eval::quality::{self, Quality};
use image::{Rgb, RgbImage};

/// Halvings of the interval in which the strongest allowed change is sought.
const HALVINGS: usize = 7;

/// The least quality a released file may have.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    pub min_psnr: Option<f64>,
    pub min_ssim: Option<f64>,
}

impl Budget {
    fn allows(&self, quality: &Quality) -> bool {
        self.min_psnr.is_none_or(|least| quality.psnr >= least)
            && self.min_ssim.is_none_or(|least| quality.ssim >= least)
    }

    /// The file of the strongest change towards `activated` that the budget allows, what is read back from it,
    /// and its quality. `write` encodes and decodes.
    pub fn spend(
        &self,
        original: &RgbImage,
        activated: &RgbImage,
        mut write: impl FnMut(&RgbImage) -> Result<(Vec<u8>, RgbImage)>,
    ) -> Result<(Vec<u8>, RgbImage, Quality)> {
        let mut attempt = |share: f32| -> Result<_> {
            let (bytes, image) = write(&blend(original, activated, share))?;
            let quality = quality::measure(original, &image)?;
            Ok((bytes, image, quality))
        };
        let whole = attempt(1.0)?;
        if self.allows(&whole.2) {
            return Ok(whole);
        }
        let mut best = attempt(0.0)?;
        ensure!(
            self.allows(&best.2),
            "the file format alone leaves {:.2} dB, SSIM {:.4}",
            best.2.psnr,
            best.2.ssim
        );
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

/// `original + share * (activated - original)`, rounded.
fn blend(original: &RgbImage, activated: &RgbImage, share: f32) -> RgbImage {
    let mix = |from: u8, to: u8| (f32::from(from) + share * (f32::from(to) - f32::from(from))).round() as u8;
    RgbImage::from_fn(original.width(), original.height(), |x, y| {
        let (from, to) = (original.get_pixel(x, y), activated.get_pixel(x, y));
        Rgb(std::array::from_fn(|c| mix(from[c], to[c])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_quality_holds_and_little_is_given_away() {
        let original = RgbImage::from_fn(32, 32, |x, y| Rgb([(x * 7) as u8, (y * 7) as u8, 128]));
        let activated =
            RgbImage::from_fn(32, 32, |x, y| Rgb(original.get_pixel(x, y).0.map(|v| v.saturating_add(30))));
        let budget = Budget { min_psnr: Some(30.0), min_ssim: None };
        let (_, _, quality) =
            budget.spend(&original, &activated, |image| Ok((vec![], image.clone()))).unwrap();
        assert!(quality.psnr >= 30.0 && quality.psnr < 31.0, "{}", quality.psnr);
        let impossible = Budget { min_psnr: Some(30.0), min_ssim: None };
        let refused = impossible.spend(&original, &activated, |image| {
            Ok((vec![], RgbImage::from_pixel(image.width(), image.height(), Rgb([0; 3]))))
        });
        assert!(refused.unwrap_err().to_string().starts_with("the file format alone"));
    }
}
