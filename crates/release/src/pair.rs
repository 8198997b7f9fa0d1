//! Pictures of a release.

use image::RgbImage;

/// Original and its released image.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The original.
    pub original: RgbImage,
    /// The released file, as read back.
    pub released: RgbImage,
}

/// Receiver of pairs.
pub type Keep<'a> = &'a mut dyn FnMut(Pair);
