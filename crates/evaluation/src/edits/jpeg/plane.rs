//! One component of an image, and the loss of its blocks.

use rayon::prelude::*;

use super::{dct, quantisation};

/// One component of an image, row-major. Rows are padded to whole blocks, as in libjpeg.
pub(super) struct Plane {
    /// Levels per row, a multiple of [`dct::SIDE`].
    pub stride: usize,
    /// `[rows, stride]`.
    pub levels: Vec<u8>,
}

impl Plane {
    /// Creates a plane of `rows` rows; `row(y, levels)` fills row `y`.
    pub fn new(width: usize, rows: usize, row: impl Fn(usize, &mut [u8]) + Sync) -> Self {
        let stride = width.next_multiple_of(dct::SIDE);
        let mut levels = vec![0; stride * rows];
        levels.par_chunks_mut(stride).enumerate().for_each(|(y, levels)| row(y, levels));
        Self { stride, levels }
    }

    pub fn row(&self, y: usize) -> &[u8] {
        &self.levels[y * self.stride..][..self.stride]
    }

    pub fn rows(&self) -> usize {
        self.levels.len() / self.stride
    }

    /// Rounds the frequencies of every block to multiples of `steps`. The last row is repeated below, as in libjpeg.
    pub fn lose(&mut self, steps: &dct::Block) {
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
