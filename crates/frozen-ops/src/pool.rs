//! The largest value of every window.

use rayon::prelude::*;

use crate::geometry::{Plane, Window};
use crate::raw::{Level, Shared};

/// Channels that one task takes: a cache line.
const TOGETHER: usize = 16;

/// Max-pooling of images of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MaxPool {
    pub window: Window,
    pub input: Plane,
    pub output: Plane,
    pub channels: usize,
}

impl MaxPool {
    /// The largest values, `[n, h', w', c]` of `[n, h, w, c]`, and in which place of the window each was found: the
    /// first of equals.
    pub fn forward(self, level: Level, values: &[f32], out: &mut [f32], places: &mut [u8]) {
        let Self { output, channels, .. } = self;
        let width = output.w * channels;
        let rows = out.par_chunks_mut(width).zip(places.par_chunks_mut(width)).enumerate();
        rows.for_each(|(row, (out, places))| {
            level.run(
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

    /// Of one window, `[c]`.
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

    /// The gradient of the input: that of every window goes where its largest value was found.
    pub fn gradient(self, level: Level, places: &[u8], gradient: &[f32], out: &mut [f32]) {
        let shared = Shared::new(out);
        (0..self.channels).into_par_iter().step_by(TOGETHER).for_each(|start| {
            level.run(
                #[inline(always)]
                || self.gradient_of_channels(start, places, gradient, shared),
            );
        });
    }

    #[inline(always)]
    fn gradient_of_channels(self, start: usize, places: &[u8], gradient: &[f32], out: Shared<'_>) {
        let channels = self.channels;
        let width = (channels - start).min(TOGETHER);
        for pixel in 0..self.input.pixels() {
            // SAFETY: every task has other channels.
            unsafe { out.part(pixel * channels + start, width) }.fill(0.0);
        }
        for window in 0..self.output.pixels() {
            let first = window * channels + start;
            let (places, gradient) = (&places[first..][..width], &gradient[first..][..width]);
            for (place, pixel) in self.pixels(window) {
                // SAFETY: every task has other channels.
                let out = unsafe { out.part(pixel * channels + start, width) };
                for ((out, &found), &x) in out.iter_mut().zip(places).zip(gradient) {
                    *out += if found == place { x } else { 0.0 };
                }
            }
        }
    }

    /// The places of a window that lie in the image, and their pixels.
    #[inline(always)]
    fn pixels(self, window: usize) -> impl Iterator<Item = (u8, usize)> {
        let Self { window: Window { size, stride, padding }, input, output, .. } = self;
        let (image, row, column) = output.place(window);
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
