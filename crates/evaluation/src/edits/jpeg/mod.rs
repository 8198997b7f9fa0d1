//! The losses of JPEG: the lossy steps of libjpeg's baseline codec, bit for bit, without the lossless packing into a file.
//!
//! Available Rust codecs round differently: at quality 50 the file of `jpeg-encoder` differs from Pillow's on 6 % of the
//! pixels of a small picture, and decoders that repeat chroma instead of interpolating it differ on more.

mod chroma;
mod colour;
mod dct;
mod plane;
mod quantisation;

use image::RgbImage;
use rayon::prelude::*;

use self::plane::Plane;
use crate::error::{Error, Result};

/// Returns an image as it comes back from sequential JPEG with the standard tables and 4:2:0 chroma, Pillow's default, with
/// libjpeg's interpolation of chroma.
pub(super) fn jpeg(image: &RgbImage, quality: u8) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    if width.max(height) > u32::from(u16::MAX) {
        return Err(Error::JpegSize { width, height });
    }
    let tables = quantisation::tables(quality);
    let mut luma = colour::luma(image);
    luma.lose(&tables.luma);
    let chroma = [colour::BLUE, colour::RED].map(|difference| {
        let mut halved = chroma::halve(image, difference);
        halved.lose(&tables.chroma);
        halved
    });
    Ok(decode(image, &luma, &chroma))
}

/// Combines luma and the blue and red differences to a picture of the size of `image`.
fn decode(image: &RgbImage, luma: &Plane, [blue, red]: &[Plane; 2]) -> RgbImage {
    let mut decoded = RgbImage::new(image.width(), image.height());
    let width = image.width() as usize;
    decoded.par_chunks_mut(3 * width).enumerate().for_each(|(y, row)| {
        let (blue, red) = (chroma::row(blue, y, width), chroma::row(red, y, width));
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = colour::rgb([luma.levels[y * luma.stride + x], blue[x], red[x]]);
        }
    });
    decoded
}
