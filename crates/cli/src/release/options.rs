//! Options of a release, from the arguments.

use activate::{Budget, Optimiser, Settings};
use describe::BatchRequest;
use image_file::{Encoding, Reader};

use super::quality_limits::QualityLimits;
use crate::args::{Activate, Optimisation, Reading, Release};

/// Default minimum SSIM of released images.
const MIN_SSIM: f64 = 0.98;

/// Options of a release.
pub struct Options {
    pub settings: Settings,
    pub limits: QualityLimits,
    pub encoding: Encoding,
    pub batch: BatchRequest,
    pub reader: Reader,
}

impl From<&Activate> for Options {
    fn from(arguments: &Activate) -> Self {
        let Activate { optimisation, encoded, batch, reading, .. } = arguments;
        Self::new(optimisation, encoded.encoding(), *batch, reading)
    }
}

impl From<&Release> for Options {
    fn from(arguments: &Release) -> Self {
        let Release { optimisation, encoded, batch, reading, .. } = arguments;
        Self::new(optimisation, encoded.encoding(), *batch, reading)
    }
}

impl Options {
    /// Returns options of PNG files, for an evaluation.
    pub fn lossless(optimisation: &Optimisation, reading: &Reading) -> Self {
        Self::new(optimisation, Encoding::Png, BatchRequest::Auto, reading)
    }

    fn new(optimisation: &Optimisation, encoding: Encoding, batch: BatchRequest, reading: &Reading) -> Self {
        let limits = limits(optimisation, encoding.is_lossless());
        Self { settings: optimisation.settings(), limits, encoding, batch, reader: reading.into() }
    }
}

/// Returns the quality that released files must keep. The defaults apply to lossless files only, which can keep them.
fn limits(optimisation: &Optimisation, lossless: bool) -> QualityLimits {
    let defaults = lossless && matches!(optimisation.optimiser(), Optimiser::Steepest(_));
    QualityLimits {
        min_psnr: optimisation.min_psnr.or(defaults.then_some(Budget::default().psnr)),
        min_ssim: optimisation.min_ssim.or(defaults.then_some(MIN_SSIM)),
        max_linf: optimisation.max_linf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        optimisation: Optimisation,
    }

    fn typed(words: &str, lossless: bool) -> QualityLimits {
        let line = Line::parse_from(format!("activate {words}").split_whitespace());
        limits(&line.optimisation, lossless)
    }

    #[test]
    fn default_limits_apply_to_lossless_files_of_steepest_descent() {
        let limits = typed("--min-psnr 45", true);
        assert_eq!((limits.min_psnr, limits.min_ssim), (Some(45.0), Some(MIN_SSIM)));
        assert_eq!(typed("", false), QualityLimits::default());
        assert_eq!(typed("--strength 3", true), QualityLimits::default());
    }
}
