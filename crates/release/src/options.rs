//! Options of a release.

use activate::Settings;
use describe::BatchRequest;
use image_file::{Encoding, Reader};

use crate::quality_limits::QualityLimits;

/// Options of a release. The default writes PNG files with the default settings and limits.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Settings of the activation; the depth follows from each image and the encoding.
    pub settings: Settings,
    /// Quality that released files must keep.
    pub limits: QualityLimits,
    /// Encoding of released files.
    pub encoding: Encoding,
    /// Number of images that are activated at once.
    pub batch: BatchRequest,
    /// Reader of the originals.
    pub reader: Reader,
}

impl Options {
    /// Returns options with the standard limits of these settings and this encoding.
    pub fn new(settings: Settings, encoding: Encoding) -> Self {
        let limits = QualityLimits::standard(&settings.optimiser, encoding);
        Self { settings, limits, encoding, batch: BatchRequest::Auto, reader: Reader::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new(Settings::default(), Encoding::Png)
    }
}
