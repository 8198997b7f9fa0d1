//! Which values of an image a convolution multiplies. Images are `[n, h, w, c]`, row-major.

use std::ops::Range;

use crate::product::{Rows, ZEROS};

/// The window of a convolution, square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: usize,
    /// Step from window to window, in both directions.
    pub stride: usize,
    /// Zeros around the image, on all four sides.
    pub padding: usize,
}

/// Images without their channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plane {
    pub n: usize,
    pub h: usize,
    pub w: usize,
}

/// A tap of the window: its row and its column.
pub(crate) type Tap = (usize, usize);

impl Plane {
    pub fn pixels(self) -> usize {
        self.n * self.h * self.w
    }

    /// Image, row and column of a pixel.
    pub fn place(self, pixel: usize) -> (usize, usize, usize) {
        (pixel / (self.h * self.w), pixel / self.w % self.h, pixel % self.w)
    }

    /// The number of the pixel, if there is one.
    pub fn pixel(self, image: usize, row: Option<usize>, column: Option<usize>) -> Option<usize> {
        let row = row.filter(|&row| row < self.h)?;
        let column = column.filter(|&column| column < self.w)?;
        Some((image * self.h + row) * self.w + column)
    }
}

impl Window {
    /// What a convolution makes of images; `None` where they are smaller than the window.
    pub(crate) fn of(self, input: Plane) -> Option<Plane> {
        let windows = |length: usize| {
            let room = (length + 2 * self.padding).checked_sub(self.size)?;
            Some(room / self.stride + 1)
        };
        Some(Plane { n: input.n, h: windows(input.h)?, w: windows(input.w)? })
    }

    /// All taps, row by row.
    pub(crate) fn taps(self) -> Vec<Tap> {
        (0..self.size).flat_map(|row| (0..self.size).map(move |column| (row, column))).collect()
    }

    /// Rows of the product that computes a range of the pixels of `output` from those of `input`.
    pub(crate) fn forward_rows(
        self,
        [input, output]: [Plane; 2],
        [from, to]: [usize; 2],
        range: Range<usize>,
    ) -> Rows {
        let taps = self.taps();
        let mut rows = Rows::with_capacity(range.len(), taps.len());
        for pixel in range {
            let (image, row, column) = output.place(pixel);
            let at = |place: usize, tap: usize| (place * self.stride + tap).checked_sub(self.padding);
            let found = taps.iter().map(|&(tr, tc)| input.pixel(image, at(row, tr), at(column, tc)));
            rows.push(found, from, pixel * to);
        }
        rows
    }

    /// The pixels of the input fall into `stride^2` classes, by their places modulo the stride, of which each meets
    /// other taps: the taps of the class.
    pub(crate) fn taps_meeting(self, class: Tap) -> Vec<Tap> {
        let meets = |place: usize, tap: usize| {
            (place + self.padding + self.size * self.stride - tap).is_multiple_of(self.stride)
        };
        self.taps().into_iter().filter(|tap| meets(class.0, tap.0) && meets(class.1, tap.1)).collect()
    }

    /// All classes of pixels of the input.
    pub(crate) fn classes(self) -> Vec<Tap> {
        (0..self.stride).flat_map(|row| (0..self.stride).map(move |column| (row, column))).collect()
    }

    /// The pixels of a class.
    pub(crate) fn class_plane(self, input: Plane, class: Tap) -> Plane {
        let count = |length: usize, first: usize| length.saturating_sub(first).div_ceil(self.stride);
        Plane { n: input.n, h: count(input.h, class.0), w: count(input.w, class.1) }
    }

    /// Rows of the product that computes the gradient of a range of the pixels of a class from that of the output.
    pub(crate) fn gradient_rows(
        self,
        [input, output]: [Plane; 2],
        [from, to]: [usize; 2],
        class: Tap,
        range: Range<usize>,
    ) -> Rows {
        let (taps, plane) = (self.taps_meeting(class), self.class_plane(input, class));
        let mut rows = Rows::with_capacity(range.len(), taps.len());
        for pixel in range {
            let (image, row, column) = plane.place(pixel);
            let (row, column) = (row * self.stride + class.0, column * self.stride + class.1);
            let at = |place: usize, tap: usize| Some((place + self.padding).checked_sub(tap)? / self.stride);
            let found = taps.iter().map(|&(tr, tc)| output.pixel(image, at(row, tr), at(column, tc)));
            rows.push(found, from, ((image * input.h + row) * input.w + column) * to);
        }
        rows
    }
}

impl Rows {
    fn with_capacity(rows: usize, runs: usize) -> Self {
        Self { starts: Vec::with_capacity(rows * runs), outs: Vec::with_capacity(rows) }
    }

    fn push(&mut self, pixels: impl Iterator<Item = Option<usize>>, channels: usize, out: usize) {
        self.starts.extend(pixels.map(|pixel| pixel.map_or(ZEROS, |pixel| pixel * channels)));
        self.outs.push(out);
    }
}
