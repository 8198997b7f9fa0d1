//! Convolutions on the CPU, with weights that are packed once.

#[cfg(test)]
mod tests;

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use simd::Bf16;

use super::{
    indirection::Indirection,
    panels::Panels,
    product::Product,
    relu_mask::{ReluMask, SharedReluMask},
    winograd::{Images, TileSize, Winograd},
};
use crate::{
    buffer_pool::PooledBuffer,
    multiplications::Multiplications,
    threads::{SharedSlice, Team},
    window::{Plane, Tap, Window},
};

/// Number of channels below which a row of the window is multiplied as one run.
const FEW_CHANNELS: usize = 16;
/// Number of weights above which tiles have 2x2 outputs: reading the transformed weights of 4x4 outputs would take
/// longer than they save.
const LARGE_WEIGHTS: usize = 128 * 128;

/// Convolution from `from` to `to` channels whose weights never change.
#[derive(Debug)]
pub(crate) struct CpuConv {
    pub window: Window,
    pub from: usize,
    pub to: usize,
    forward: Forward,
    gradient: OnceLock<Gradient>,
    /// Proof of bf16 products, if other products than Winograd's are computed in bf16.
    bf16: Option<Bf16>,
    /// `[to]`.
    bias: Vec<f32>,
    /// `[to, from, size, size]`, until the gradient's weights are packed.
    weight: Mutex<Option<Arc<Vec<f32>>>>,
}

/// Algorithm of the forward pass.
#[derive(Debug)]
enum Forward {
    Winograd(Winograd),
    /// One product whose runs are taps.
    Taps(Panels),
    /// One product whose runs are rows of the window, on zero-padded images.
    Rows(Panels),
}

/// Algorithm of the gradient.
#[derive(Debug)]
enum Gradient {
    Winograd(Winograd),
    /// One product for each phase of pixels.
    Phases(Vec<(Tap, Panels)>),
    /// Products of all taps with a pixel, which are then scattered and summed.
    Columns(Panels),
}

/// Input of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub team: Team<'a>,
    pub plane: Plane,
    /// `[n, h, w, from]`.
    pub values: &'a [f32],
    /// Adds the previous values of the output.
    pub accumulate: bool,
    pub relu: bool,
    /// Destination of the mask of results above 0.
    pub mask_out: Option<SharedReluMask<'a>>,
}

/// Gradient of the output of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct OutputGradient<'a> {
    pub team: Team<'a>,
    /// Size of the convolution's input.
    pub plane: Plane,
    /// `[n, h', w', to]`.
    pub values: &'a [f32],
    /// Adds the previous values of the input's gradient.
    pub accumulate: bool,
    /// Mask applied to the input's gradient.
    pub mask: Option<&'a ReluMask>,
}

impl CpuConv {
    /// Packs `weight`, `[to, from, size, size]`, and keeps `bias`, `[to]`.
    pub fn new(window: Window, from: usize, weight: Vec<f32>, bias: Vec<f32>, bf16: Option<Bf16>) -> Self {
        let (size, to) = (window.size, bias.len());
        let at = |(r, c): Tap, i: usize, o: usize| weight[((o * from + i) * size + r) * size + c];
        let forward = if is_winograd(window, from) {
            Forward::Winograd(Winograd::new(tile_size(from, to), [from, to], at))
        } else if from < FEW_CHANNELS && size > 1 {
            let place = |r: usize, i: usize, o: usize| at((r, i / from), i % from, o);
            Forward::Rows(Panels::new(size, size * from, to, place).rounded(bf16))
        } else {
            let taps = window.taps();
            Forward::Taps(Panels::new(taps.len(), from, to, |run, i, o| at(taps[run], i, o)).rounded(bf16))
        };
        let weight = Mutex::new(Some(Arc::new(weight)));
        Self { window, from, to, forward, gradient: OnceLock::new(), bf16, bias, weight }
    }

    /// Computes `relu(conv(x) + bias + out)`, `[n, h', w', to]`, of images that the window fits into.
    pub fn forward(&self, input: Input<'_>, output: Plane, out: &mut [f32]) {
        let Input { team, plane, values, accumulate, relu, mask_out } = input;
        let bias = Some(&self.bias[..]);
        let product = |a, b| Product { team, a, b, bias, accumulate, relu, mask: None, mask_out };
        match &self.forward {
            Forward::Winograd(winograd) => {
                let images = Images { team, plane, values, bias, accumulate, relu, mask: None, mask_out };
                winograd.run(images, out);
            }
            Forward::Taps(panels) => {
                let rows =
                    |range| Indirection::forward(self.window, [plane, output], [self.from, self.to], range);
                product(values, panels).run(output.pixels(), rows, out);
            }
            Forward::Rows(panels) => {
                let (mut padded, wide) = pad(values, plane, self.window.padding, self.from);
                let rows = |range: Range<usize>| self.window_rows([wide, output], range);
                product(padded.values(), panels).run(output.pixels(), rows, out);
            }
        }
    }

    /// Indirection whose runs are the rows of windows in padded images.
    fn window_rows(&self, [wide, output]: [Plane; 2], range: Range<usize>) -> Indirection {
        let Window { size, stride, .. } = self.window;
        let starts = range.clone().flat_map(|pixel| {
            let (image, row, column) = output.coordinates(pixel);
            let first = (image * wide.h + row * stride) * wide.w + column * stride;
            (0..size).map(move |r| (first + r * wide.w) * self.from)
        });
        Indirection { starts: starts.collect(), outs: range.map(|pixel| pixel * self.to).collect() }
    }

    /// Computes the gradient of the input, `[n, h, w, from]`, from that of the output.
    pub fn input_gradient(&self, gradient: OutputGradient<'_>, output: Plane, out: &mut [f32]) {
        let OutputGradient { team, plane, values, accumulate, mask } = gradient;
        match self.gradient() {
            Gradient::Winograd(winograd) => {
                let (bias, relu, mask_out) = (None, false, None);
                winograd.run(Images { team, plane, values, bias, accumulate, relu, mask, mask_out }, out);
            }
            Gradient::Phases(phases) => {
                for (phase, panels) in phases {
                    let pixels = self.window.plane_of_phase(plane, *phase).pixels();
                    let (planes, channels) = ([plane, output], [self.to, self.from]);
                    let rows = |range| Indirection::gradient(self.window, planes, channels, *phase, range);
                    let product = Product { accumulate, mask, ..Product::plain(team, values, panels) };
                    product.run(pixels, rows, out);
                }
            }
            Gradient::Columns(panels) => self.gradient_by_columns(gradient, output, panels, out),
        }
    }

    /// Number of multiplications in the products of a pass.
    pub fn multiplications(&self, input: Plane, output: Plane) -> Multiplications {
        let matrix = self.from * self.to;
        let forward = match &self.forward {
            Forward::Winograd(winograd) => winograd.multiplications(input),
            Forward::Taps(panels) | Forward::Rows(panels) => {
                output.pixels() * panels.runs * panels.k * panels.n
            }
        };
        let gradient = match self.gradient() {
            Gradient::Winograd(winograd) => winograd.multiplications(input),
            Gradient::Phases(phases) => {
                let pixels = |phase| self.window.plane_of_phase(input, phase).pixels();
                phases.iter().map(|(phase, panels)| pixels(*phase) * panels.runs * matrix).sum()
            }
            Gradient::Columns(panels) => output.pixels() * panels.k * panels.n,
        };
        Multiplications { forward, gradient }
    }

    /// Weights of the gradient, packed at the first call. No lock is held meanwhile, so that several threads may pack
    /// them at once: packing hands work to the thread pool, and a thread that waits for it may run a task that calls
    /// this too.
    fn gradient(&self) -> &Gradient {
        if let Some(packed) = self.gradient.get() {
            return packed;
        }
        let weight = self.unpacked().clone();
        let packed = weight.map(|weight| self.pack_gradient(&weight));
        let packed = self.gradient.get_or_init(|| packed.expect("weights stay until they are packed"));
        *self.unpacked() = None;
        packed
    }

    fn unpacked(&self) -> MutexGuard<'_, Option<Arc<Vec<f32>>>> {
        self.weight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pack_gradient(&self, weight: &[f32]) -> Gradient {
        let (from, to, size) = (self.from, self.to, self.window.size);
        let at = |(r, c): Tap, i: usize, o: usize| weight[((o * from + i) * size + r) * size + c];
        if is_winograd(self.window, to) {
            let flipped = |(r, c): Tap, o: usize, i: usize| at((2 - r, 2 - c), i, o);
            return Gradient::Winograd(Winograd::new(tile_size(from, to), [to, from], flipped));
        }
        if from < FEW_CHANNELS && size > 1 {
            let column = |o: usize, column: usize| {
                let (tap, i) = (column / from, column % from);
                at((tap / size, tap % size), i, o)
            };
            let panels = Panels::new(1, to, size * size * from, |_, o, c| column(o, c));
            return Gradient::Columns(panels.rounded(self.bf16));
        }
        let phase = |phase| {
            let taps = self.window.taps_of_phase(phase);
            let panels = Panels::new(taps.len(), to, from, |run, o, i| at(taps[run], i, o));
            (phase, panels.rounded(self.bf16))
        };
        Gradient::Phases(self.window.phases().into_iter().map(phase).collect())
    }

    /// Computes the gradient in bands of the input's rows, each by one thread.
    fn gradient_by_columns(
        &self,
        gradient: OutputGradient<'_>,
        output: Plane,
        panels: &Panels,
        out: &mut [f32],
    ) {
        let OutputGradient { team, plane, .. } = gradient;
        let rows = plane.h.div_ceil(team.threads.div_ceil(plane.n) * 2).max(1);
        let bands = plane.h.div_ceil(rows);
        let (row, out) = (plane.w * self.from, SharedSlice::new(out));
        team.for_each(plane.n * bands, |task| {
            let (image, first) = (task / bands, task % bands * rows);
            let count = rows.min(plane.h - first);
            // SAFETY: every task has rows of its own.
            let band = unsafe { out.part((image * plane.h + first) * row, count * row) };
            self.band_gradient(gradient, output, panels, [image, first], band);
        });
    }

    /// Computes a band of an image: rows of the input's gradient from row `first` on.
    fn band_gradient(
        &self,
        gradient: OutputGradient<'_>,
        output: Plane,
        panels: &Panels,
        [image, first]: [usize; 2],
        band: &mut [f32],
    ) {
        let OutputGradient { plane, accumulate, mask, .. } = gradient;
        if !accumulate {
            band.fill(0.0);
        }
        let last = first + band.len() / (plane.w * self.from);
        let Window { size, stride, padding } = self.window;
        let from_row = (first + padding).saturating_sub(size - 1).div_ceil(stride);
        let to_row = ((last - 1 + padding) / stride + 1).min(output.h);
        let mut columns = vec![0.0; output.w * panels.n];
        for row in from_row..to_row {
            self.columns_of_row(gradient, output, [image, row], panels, &mut columns);
            let top = (row * stride) as isize - padding as isize - first as isize;
            self.scatter(&columns, output.w, plane.w, top, band);
        }
        let pixels = (image * plane.h + first) * plane.w..;
        if let Some(mask) = mask {
            let pixels = pixels.zip(band.chunks_exact_mut(self.from));
            pixels.for_each(|(pixel, values)| mask.apply_to_pixel(pixel, values));
        }
    }

    /// Computes the products of all taps with one row of the output's gradient: `[w', size * size * from]`.
    fn columns_of_row(
        &self,
        gradient: OutputGradient<'_>,
        output: Plane,
        [image, row]: [usize; 2],
        panels: &Panels,
        columns: &mut [f32],
    ) {
        let first = (image * output.h + row) * output.w;
        let starts = (0..output.w).map(|pixel| (first + pixel) * self.to).collect();
        let outs = (0..output.w).map(|pixel| pixel * panels.n).collect();
        let product = Product::plain(gradient.team, gradient.values, panels);
        let rows = Indirection { starts, outs };
        // SAFETY: the columns are this thread's.
        unsafe { product.block(&rows, 0..panels.count(), SharedSlice::new(columns)) };
    }

    /// Adds the products of a row of outputs to a band of the input's gradient. Their windows begin at row `top` of
    /// the band.
    fn scatter(&self, columns: &[f32], outputs: usize, width: usize, top: isize, band: &mut [f32]) {
        let Window { size, stride, padding } = self.window;
        let run = size * self.from;
        for (r, row) in (0..size).filter_map(|r| Some((r, usize::try_from(top + r as isize).ok()?))) {
            let Some(row) = band.chunks_exact_mut(width * self.from).nth(row) else { continue };
            for pixel in 0..outputs {
                let products = &columns[pixel * size * run + r * run..][..run];
                let left = pixel * stride;
                let skipped = padding.saturating_sub(left).min(size) * self.from;
                let start = left.saturating_sub(padding) * self.from;
                let row = row.get_mut(start..).unwrap_or_default();
                row.iter_mut().zip(&products[skipped..]).for_each(|(out, product)| *out += product);
            }
        }
    }
}

/// Returns whether Winograd's filtering applies and is faster.
fn is_winograd(window: Window, from: usize) -> bool {
    window == Window { size: 3, stride: 1, padding: 1 } && from >= FEW_CHANNELS
}

fn tile_size(from: usize, to: usize) -> TileSize {
    if from * to > LARGE_WEIGHTS { TileSize::Two } else { TileSize::Four }
}

/// Copies images with zeros around them.
fn pad(values: &[f32], plane: Plane, padding: usize, channels: usize) -> (PooledBuffer, Plane) {
    let wide = Plane { n: plane.n, h: plane.h + 2 * padding, w: plane.w + 2 * padding };
    let mut buffer = PooledBuffer::new(wide.pixels() * channels);
    let padded = buffer.values();
    padded.fill(0.0);
    for (row, values) in values.chunks_exact(plane.w * channels).enumerate() {
        let (image, row) = (row / plane.h, row % plane.h);
        let start = ((image * wide.h + row + padding) * wide.w + padding) * channels;
        padded[start..start + values.len()].copy_from_slice(values);
    }
    (buffer, wide)
}
