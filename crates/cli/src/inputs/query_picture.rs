//! Pictures of queries, for further looks and comparisons.

use image::RgbImage;
use image_file::Pixels;

/// Longest side in pixels. Networks see at most 512, and a look may show a third of a picture.
const LONGEST: u32 = 1024;

/// Reduces a picture, so that many fit in memory.
pub fn query_picture(pixels: Pixels) -> RgbImage {
    pixels.into_reduced(LONGEST)
}
