//! Indirection of matrix products: the rows of a convolution's product lie scattered in the image (Dukhan, "The
//! indirect convolution algorithm", 2019).

use std::ops::Range;

use crate::window::{Plane, Tap, Window};

/// Places of the rows of a product `A B`.
#[derive(Debug, Default)]
pub(crate) struct Indirection {
    /// Starts of the runs of the rows of `A`, `[m, runs]`, or [`Self::ZEROS`].
    pub starts: Vec<usize>,
    /// Starts of the rows of the result, `[m]`.
    pub outs: Vec<usize>,
}

impl Indirection {
    /// Start of a run of zeros.
    pub const ZEROS: usize = usize::MAX;

    /// Indirection of the product for a range of the pixels of `output` from those of `input`: a run is a tap's
    /// pixel.
    pub fn forward(
        window: Window,
        [input, output]: [Plane; 2],
        [from, to]: [usize; 2],
        range: Range<usize>,
    ) -> Self {
        let taps = window.taps();
        let mut indirection = Self::with_capacity(range.len(), taps.len());
        for pixel in range {
            let (image, row, column) = output.coordinates(pixel);
            let at = |place: usize, tap: usize| (place * window.stride + tap).checked_sub(window.padding);
            let pixels = taps.iter().map(|&(tr, tc)| input.pixel(image, at(row, tr), at(column, tc)));
            indirection.push(pixels, from, pixel * to);
        }
        indirection
    }

    /// Indirection of the product for the gradient of a range of the pixels of a phase from that of the output.
    pub fn gradient(
        window: Window,
        [input, output]: [Plane; 2],
        [from, to]: [usize; 2],
        phase: Tap,
        range: Range<usize>,
    ) -> Self {
        let (taps, plane) = (window.taps_of_phase(phase), window.plane_of_phase(input, phase));
        let mut indirection = Self::with_capacity(range.len(), taps.len());
        for pixel in range {
            let (image, row, column) = plane.coordinates(pixel);
            let (row, column) = (row * window.stride + phase.0, column * window.stride + phase.1);
            let at =
                |place: usize, tap: usize| Some((place + window.padding).checked_sub(tap)? / window.stride);
            let pixels = taps.iter().map(|&(tr, tc)| output.pixel(image, at(row, tr), at(column, tc)));
            indirection.push(pixels, from, ((image * input.h + row) * input.w + column) * to);
        }
        indirection
    }

    fn with_capacity(rows: usize, runs: usize) -> Self {
        Self { starts: Vec::with_capacity(rows * runs), outs: Vec::with_capacity(rows) }
    }

    fn push(&mut self, pixels: impl Iterator<Item = Option<usize>>, channels: usize, out: usize) {
        self.starts.extend(pixels.map(|pixel| pixel.map_or(Self::ZEROS, |pixel| pixel * channels)));
        self.outs.push(out);
    }
}
