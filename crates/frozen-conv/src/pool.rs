//! The largest value of every 3x3 window.

use rayon::prelude::*;

use crate::geometry::{Plane, Window};
use crate::raw::{Level, Shared};

/// Channels that one task takes: a cache line.
const TOGETHER: usize = 16;

/// The largest values: `[n, h', w', c]` of `[n, h, w, c]`.
pub(crate) fn max_pool(
    level: Level,
    window: Window,
    [input, output]: [Plane; 2],
    values: &[f32],
    channels: usize,
    out: &mut [f32],
) {
    out.par_chunks_mut(output.w * channels).enumerate().for_each(|(row, out)| {
        level.run(
            #[inline(always)]
            || {
                for (column, out) in out.chunks_exact_mut(channels).enumerate() {
                    out.fill(f32::NEG_INFINITY);
                    for pixel in pixels(window, [input, output], row * output.w + column) {
                        let values = &values[pixel * channels..][..channels];
                        out.iter_mut().zip(values).for_each(|(out, &x)| *out = if x > *out { x } else { *out });
                    }
                }
            },
        );
    });
}

/// The gradient of the input: that of every window goes to the first of its largest values.
pub(crate) fn max_pool_gradient(
    window: Window,
    [input, output]: [Plane; 2],
    [values, largest, gradient]: [&[f32]; 3],
    channels: usize,
    out: &mut [f32],
) {
    let shared = Shared::new(out);
    (0..channels).into_par_iter().step_by(TOGETHER).for_each(|start| {
        let width = (channels - start).min(TOGETHER);
        for pixel in 0..input.pixels() {
            // SAFETY: every task has other channels.
            unsafe { shared.part(pixel * channels + start, width) }.fill(0.0);
        }
        for pixel in 0..output.pixels() {
            let place = pixel * channels + start;
            let (largest, gradient) = (&largest[place..][..width], &gradient[place..][..width]);
            let mut left = [0.0; TOGETHER];
            left[..width].copy_from_slice(gradient);
            for tap in pixels(window, [input, output], pixel) {
                let place = tap * channels + start;
                // SAFETY: every task has other channels.
                let out = unsafe { shared.part(place, width) };
                let values = &values[place..][..width];
                for (((out, left), x), y) in out.iter_mut().zip(&mut left).zip(values).zip(largest) {
                    let found = if x == y { *left } else { 0.0 };
                    *out += found;
                    *left -= found;
                }
            }
        }
    });
}

/// The pixels of a window.
fn pixels(window: Window, [input, output]: [Plane; 2], pixel: usize) -> impl Iterator<Item = usize> {
    let (image, row, column) = output.place(pixel);
    let side = move |place: usize, length: usize| {
        let first = place * window.stride;
        first.saturating_sub(window.padding)..(first + window.size - window.padding).min(length)
    };
    side(row, input.h).flat_map(move |row| {
        side(column, input.w).map(move |column| (image * input.h + row) * input.w + column)
    })
}
