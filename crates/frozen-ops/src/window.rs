//! Geometry of convolutions. Images are `[n, h, w, c]`, row-major.

/// Square window of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: usize,
    /// Step between windows, in both directions.
    pub stride: usize,
    /// Zeros around the image, on all four sides.
    pub padding: usize,
}

/// Number, height and width of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plane {
    pub n: usize,
    pub h: usize,
    pub w: usize,
}

/// Row and column of a tap in the window.
pub(crate) type Tap = (usize, usize);

impl Plane {
    /// Number of pixels of all images.
    pub fn pixels(self) -> usize {
        self.n * self.h * self.w
    }

    /// Image, row and column of a pixel.
    pub fn coordinates(self, pixel: usize) -> (usize, usize, usize) {
        (pixel / (self.h * self.w), pixel / self.w % self.h, pixel % self.w)
    }

    /// Index of a pixel, or `None` outside of the image.
    pub fn pixel(self, image: usize, row: Option<usize>, column: Option<usize>) -> Option<usize> {
        let row = row.filter(|&row| row < self.h)?;
        let column = column.filter(|&column| column < self.w)?;
        Some((image * self.h + row) * self.w + column)
    }
}

impl Window {
    /// Size of the output of a convolution, or `None` for images smaller than the window.
    pub(crate) fn output(self, input: Plane) -> Option<Plane> {
        let windows = |length: usize| {
            let room = (length + 2 * self.padding).checked_sub(self.size)?;
            Some(room / self.stride + 1)
        };
        Some(Plane { n: input.n, h: windows(input.h)?, w: windows(input.w)? })
    }

    /// Returns all taps, row by row.
    pub(crate) fn taps(self) -> Vec<Tap> {
        (0..self.size).flat_map(|row| (0..self.size).map(move |column| (row, column))).collect()
    }

    /// Returns the phases of input pixels: their coordinates modulo the stride. Pixels of one phase meet the same
    /// taps.
    pub(crate) fn phases(self) -> Vec<Tap> {
        (0..self.stride).flat_map(|row| (0..self.stride).map(move |column| (row, column))).collect()
    }

    /// Returns the taps that pixels of a phase meet.
    pub(crate) fn taps_of_phase(self, phase: Tap) -> Vec<Tap> {
        let meets = |place: usize, tap: usize| {
            (place + self.padding + self.size * self.stride - tap).is_multiple_of(self.stride)
        };
        self.taps().into_iter().filter(|tap| meets(phase.0, tap.0) && meets(phase.1, tap.1)).collect()
    }

    /// Number, height and width of the pixels of a phase.
    pub(crate) fn plane_of_phase(self, input: Plane, phase: Tap) -> Plane {
        let count = |length: usize, first: usize| length.saturating_sub(first).div_ceil(self.stride);
        Plane { n: input.n, h: count(input.h, phase.0), w: count(input.w, phase.1) }
    }
}
