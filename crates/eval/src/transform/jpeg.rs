//! What JPEG leaves of an image: everything of libjpeg's baseline codec that loses something, to the bit, and
//! nothing of what packs it into a file.
//!
//! Ours, because the Rust encoders and decoders at hand round otherwise: at quality 50 the file of
//! `jpeg-encoder` shows other levels than Pillow's on 6 % of the pixels of a small picture, and decoders that
//! repeat chroma instead of interpolating it add to that.

mod chroma;
mod colour;
mod dct;
mod quantisation;

use image::RgbImage;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// One component of an image, row-major. Rows are whole blocks long, as libjpeg pads them.
struct Plane {
    /// Levels a row, a multiple of [`dct::SIDE`].
    stride: usize,
    levels: Vec<u8>,
}

/// Sequential JPEG with the standard tables and chroma of 2x2 pixels together, as Pillow saves by default, read
/// back with libjpeg's interpolation of chroma.
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

/// A picture of the size of `image`; `chroma` is blue, then red.
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

impl Plane {
    fn new(width: usize, rows: usize, row: impl Fn(usize, &mut [u8]) + Sync) -> Self {
        let stride = width.next_multiple_of(dct::SIDE);
        let mut levels = vec![0; stride * rows];
        levels.par_chunks_mut(stride).enumerate().for_each(|(y, levels)| row(y, levels));
        Self { stride, levels }
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.levels[y * self.stride..][..self.stride]
    }

    fn rows(&self) -> usize {
        self.levels.len() / self.stride
    }

    /// Rounds every block's frequencies to multiples of `steps`. Below the last row, libjpeg repeats it.
    fn lose(&mut self, steps: &dct::Block) {
        let stride = self.stride;
        self.levels.par_chunks_mut(dct::SIDE * stride).for_each(|band| {
            for x in (0..stride).step_by(dct::SIDE) {
                let last = band.len() / stride - 1;
                let block = dct::forward(|row, column| band[row.min(last) * stride + x + column]);
                let block = dct::inverse(quantisation::round(block, steps));
                for (row, levels) in band.chunks_exact_mut(stride).enumerate() {
                    levels[x..x + dct::SIDE].copy_from_slice(&block[row]);
                }
            }
        });
    }
}
