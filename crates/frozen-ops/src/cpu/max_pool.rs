//! Max-pooling on the CPU.

use crate::{
    threads::{SharedSlice, Team},
    window::{Plane, Window},
};

/// Max-pooling of images of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MaxPool {
    pub window: Window,
    pub input: Plane,
    pub output: Plane,
    pub channels: usize,
}

impl MaxPool {
    /// Computes the largest values, `[n, h', w', c]` of `[n, h, w, c]`, and their places in the windows: the first of
    /// equal values.
    pub fn forward(self, team: Team<'_>, values: &[f32], out: &mut [f32], places: &mut [u8]) {
        let Self { output, channels, .. } = self;
        let width = output.w * channels;
        let (out, places) = (SharedSlice::new(out), SharedSlice::new(places));
        team.for_each(output.n * output.h, |row| {
            // SAFETY: every task has a row of its own.
            let (out, places) = unsafe { (out.part(row * width, width), places.part(row * width, width)) };
            team.level.run(
                #[inline(always)]
                || {
                    let columns = out.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
                    for (column, (out, places)) in columns.enumerate() {
                        self.largest(row * output.w + column, values, out, places);
                    }
                },
            );
        });
    }

    /// Computes the largest values of one window, `[c]`, and their places.
    #[inline(always)]
    fn largest(self, window: usize, values: &[f32], out: &mut [f32], places: &mut [u8]) {
        out.fill(f32::NEG_INFINITY);
        places.fill(0);
        for (place, pixel) in self.pixels(window) {
            let values = &values[pixel * self.channels..][..self.channels];
            for ((out, found), &x) in out.iter_mut().zip(&mut *places).zip(values) {
                let larger = x > *out;
                *out = if larger { x } else { *out };
                *found = if larger { place } else { *found };
            }
        }
    }

    /// Computes the gradient of the input: that of every window goes to the place of its largest value.
    pub fn gradient(self, team: Team<'_>, places: &[u8], gradient: &[f32], out: &mut [f32]) {
        let (width, out) = (self.input.w * self.channels, SharedSlice::new(out));
        team.for_each(self.input.n * self.input.h, |row| {
            // SAFETY: every task has a row of its own.
            let out = unsafe { out.part(row * width, width) };
            team.level.run(
                #[inline(always)]
                || {
                    for (column, out) in out.chunks_exact_mut(self.channels).enumerate() {
                        self.gradient_of_pixel(row * self.input.w + column, places, gradient, out);
                    }
                },
            );
        });
    }

    /// Computes the gradient of one pixel, `[c]`.
    #[inline(always)]
    fn gradient_of_pixel(self, pixel: usize, places: &[u8], gradient: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        for (place, window) in self.windows(pixel) {
            let first = window * self.channels;
            let (places, gradient) = (&places[first..][..out.len()], &gradient[first..][..out.len()]);
            for ((out, &found), &x) in out.iter_mut().zip(places).zip(gradient) {
                *out += if found == place { x } else { 0.0 };
            }
        }
    }

    /// Returns the windows that a pixel lies in, each with the pixel's place in it.
    #[inline(always)]
    fn windows(self, pixel: usize) -> impl Iterator<Item = (u8, usize)> {
        let Self { window: Window { size, stride, padding }, input, output, .. } = self;
        let (image, row, column) = input.coordinates(pixel);
        let meeting = move |place: usize, windows: usize| {
            (place + padding + 1).saturating_sub(size).div_ceil(stride)
                ..((place + padding) / stride + 1).min(windows)
        };
        meeting(row, output.h).flat_map(move |r| {
            meeting(column, output.w).map(move |c| {
                let (down, right) = (row + padding - r * stride, column + padding - c * stride);
                ((down * size + right) as u8, (image * output.h + r) * output.w + c)
            })
        })
    }

    /// Returns the places of a window that lie in the image, each with its pixel.
    #[inline(always)]
    fn pixels(self, window: usize) -> impl Iterator<Item = (u8, usize)> {
        let Self { window: Window { size, stride, padding }, input, output, .. } = self;
        let (image, row, column) = output.coordinates(window);
        let (top, left) = (row * stride, column * stride);
        let inside = move |first: usize, length: usize| {
            padding.saturating_sub(first)..size.min((length + padding).saturating_sub(first))
        };
        inside(top, input.h).flat_map(move |r| {
            inside(left, input.w).map(move |c| {
                let (row, column) = (top + r - padding, left + c - padding);
                ((r * size + c) as u8, (image * input.h + row) * input.w + column)
            })
        })
    }
}
