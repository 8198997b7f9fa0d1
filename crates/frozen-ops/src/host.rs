//! Convolutions on the CPU, on weights that are packed once.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::conv::Multiplications;
use crate::geometry::{Plane, Tap, Window};
use crate::product::{Panels, Product, Rows};
use crate::raw::{Bf16, LANES, Lanes, LanesWork, Pooled, Shared};
use crate::signs::{SharedSigns, Signs};
use crate::team::Team;
use crate::winograd::{Images, TileSize, Winograd};

/// Channels below which neighbouring pixels of a window's row are multiplied as one run.
const FEW_CHANNELS: usize = 16;
/// Largest transformed weights of 4x4 outputs, in values: beyond, reading them takes longer than they save.
const LARGE_WEIGHTS: usize = 128 * 128;

/// A convolution whose weights never change: from `from` to `to` channels.
#[derive(Debug)]
pub(crate) struct HostConv {
    pub window: Window,
    pub from: usize,
    pub to: usize,
    forward: Forward,
    gradient: OnceLock<Gradient>,
    /// What products but for Winograd's are computed in, if not in single precision.
    bf16: Option<Bf16>,
    /// `[to]`.
    bias: Vec<f32>,
    /// `[to, from, size, size]`, until the gradient's weights are packed.
    weight: Mutex<Option<Arc<Vec<f32>>>>,
}

#[derive(Debug)]
enum Forward {
    Winograd(Winograd),
    /// One run a tap.
    Taps(Panels),
    /// One run a row of the window, on images with zeros around them.
    Rows(Panels),
}

#[derive(Debug)]
enum Gradient {
    Winograd(Winograd),
    /// A product for each class of pixels.
    Classes(Vec<(Tap, Panels)>),
    /// All taps' products of a pixel, then summed where they belong.
    Columns(Panels),
}

/// What a convolution is computed from and with.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub team: Team<'a>,
    pub plane: Plane,
    /// `[n, h, w, from]`.
    pub values: &'a [f32],
    /// Whether what is in the place of the output is added.
    pub onto: bool,
    pub relu: bool,
    /// Where it is kept which results are above 0.
    pub signs: Option<SharedSigns<'a>>,
}

/// The gradient of a convolution's output.
#[derive(Clone, Copy)]
pub(crate) struct OutputGradient<'a> {
    pub team: Team<'a>,
    /// Of the convolution's input.
    pub plane: Plane,
    /// `[n, h', w', to]`.
    pub values: &'a [f32],
    /// Whether what is in the place of the input's gradient is added.
    pub onto: bool,
    /// Which values of the input's gradient are kept, and 0 for the others; all if not given.
    pub kept: Option<&'a Signs>,
}

impl HostConv {
    /// `weight` is `[to, from, size, size]`, `bias` `[to]`.
    pub fn new(window: Window, from: usize, weight: Vec<f32>, bias: Vec<f32>, bf16: Option<Bf16>) -> Self {
        let (size, to) = (window.size, bias.len());
        let at = |(r, c): Tap, i: usize, o: usize| weight[((o * from + i) * size + r) * size + c];
        let forward = if is_winograd(window, from) {
            Forward::Winograd(Winograd::new(tile_size(from, to), [from, to], at))
        } else if from < FEW_CHANNELS && size > 1 {
            let place = |r: usize, i: usize, o: usize| at((r, i / from), i % from, o);
            Forward::Rows(rounded(Panels::new(size, size * from, to, place), bf16))
        } else {
            let taps = window.taps();
            Forward::Taps(rounded(Panels::new(taps.len(), from, to, |run, i, o| at(taps[run], i, o)), bf16))
        };
        let weight = Mutex::new(Some(Arc::new(weight)));
        Self { window, from, to, forward, gradient: OnceLock::new(), bf16, bias, weight }
    }

    /// `relu(conv(x) + bias + out)`: `[n, h', w', to]` of a plane that the window fits into.
    pub fn forward(&self, input: Input<'_>, output: Plane, out: &mut [f32]) {
        let Input { team, plane, values, onto, relu, signs } = input;
        let bias = Some(&self.bias[..]);
        let product = |a, b| Product { team, a, b, bias, onto, relu, kept: None, signs };
        match &self.forward {
            Forward::Winograd(winograd) => {
                winograd.run(Images { team, plane, values, bias, onto, relu, kept: None, signs }, out);
            }
            Forward::Taps(panels) => {
                let rows = |range| self.window.forward_rows([plane, output], [self.from, self.to], range);
                product(values, panels).run(output.pixels(), rows, out);
            }
            Forward::Rows(panels) => {
                let (mut padded, wide) = pad(values, plane, self.window.padding, self.from);
                let rows = |range: Range<usize>| self.run_rows([wide, output], range);
                product(padded.values(), panels).run(output.pixels(), rows, out);
            }
        }
    }

    /// Where the rows of windows lie in a padded image.
    fn run_rows(&self, [wide, output]: [Plane; 2], range: Range<usize>) -> Rows {
        let Window { size, stride, .. } = self.window;
        let starts = range.clone().flat_map(|pixel| {
            let (image, row, column) = output.place(pixel);
            let first = (image * wide.h + row * stride) * wide.w + column * stride;
            (0..size).map(move |r| (first + r * wide.w) * self.from)
        });
        Rows { starts: starts.collect(), outs: range.map(|pixel| pixel * self.to).collect() }
    }

    /// The gradient of the input, `[n, h, w, from]`, from that of the output.
    pub fn input_gradient(&self, gradient: OutputGradient<'_>, output: Plane, out: &mut [f32]) {
        let OutputGradient { team, plane, values, onto, kept } = gradient;
        match self.gradient() {
            Gradient::Winograd(winograd) => {
                let (bias, relu, signs) = (None, false, None);
                winograd.run(Images { team, plane, values, bias, onto, relu, kept, signs }, out);
            }
            Gradient::Classes(classes) => {
                for (class, panels) in classes {
                    let pixels = self.window.class_plane(plane, *class).pixels();
                    let rows = |range| {
                        self.window.gradient_rows([plane, output], [self.to, self.from], *class, range)
                    };
                    let product = Product { onto, kept, ..Product::plain(team, values, panels) };
                    product.run(pixels, rows, out);
                }
            }
            Gradient::Columns(panels) => self.gradient_by_columns(gradient, output, panels, out),
        }
    }

    /// How many multiplications the products of a pass do.
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
            Gradient::Classes(classes) => {
                let pixels = |class| self.window.class_plane(input, class).pixels();
                classes.iter().map(|(class, panels)| pixels(*class) * panels.runs * matrix).sum()
            }
            Gradient::Columns(panels) => output.pixels() * panels.k * panels.n,
        };
        Multiplications { forward, gradient }
    }

    /// The gradient's weights, packed by whoever comes first: outside of any lock, at worst by several threads at once.
    /// Packing hands work to the thread pool, and a thread that waits for it may take up a task that comes here too.
    ///
    /// # Panics
    ///
    /// Never: the weights stay until they are packed.
    fn gradient(&self) -> &Gradient {
        if let Some(packed) = self.gradient.get() {
            return packed;
        }
        let weight = self.unpacked().clone();
        let packed = weight.map(|weight| self.pack_gradient(&weight));
        let packed = self.gradient.get_or_init(|| packed.unwrap_or_else(|| panic!("no weights to pack")));
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
            let turned = |(r, c): Tap, o: usize, i: usize| at((2 - r, 2 - c), i, o);
            return Gradient::Winograd(Winograd::new(tile_size(from, to), [to, from], turned));
        }
        if from < FEW_CHANNELS && size > 1 {
            let column = |o: usize, column: usize| {
                let (tap, i) = (column / from, column % from);
                at((tap / size, tap % size), i, o)
            };
            let panels = Panels::new(1, to, size * size * from, |_, o, c| column(o, c));
            return Gradient::Columns(rounded(panels, self.bf16));
        }
        let class = |class| {
            let taps = self.window.taps_meeting(class);
            let panels = Panels::new(taps.len(), to, from, |run, o, i| at(taps[run], i, o));
            (class, rounded(panels, self.bf16))
        };
        Gradient::Classes(self.window.classes().into_iter().map(class).collect())
    }

    /// Bands of the input's rows, each by one thread.
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
        let (row, out) = (plane.w * self.from, Shared::new(out));
        team.for_each(plane.n * bands, |task| {
            let (image, first) = (task / bands, task % bands * rows);
            let count = rows.min(plane.h - first);
            // SAFETY: every task has rows of its own.
            let band = unsafe { out.part((image * plane.h + first) * row, count * row) };
            self.band_gradient(gradient, output, panels, [image, first], band);
        });
    }

    /// Some rows of an image of the input's gradient.
    fn band_gradient(
        &self,
        gradient: OutputGradient<'_>,
        output: Plane,
        panels: &Panels,
        [image, first]: [usize; 2],
        band: &mut [f32],
    ) {
        let OutputGradient { plane, onto, kept, .. } = gradient;
        if !onto {
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
        if let Some(kept) = kept {
            pixels.zip(band.chunks_exact_mut(self.from)).for_each(|(pixel, values)| kept.keep(pixel, values));
        }
    }

    /// The products of all taps with one row of the output's gradient: `[w', size * size * from]`.
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
        // SAFETY: the columns are this thread's.
        unsafe { product.block(&Rows { starts, outs }, 0..panels.count(), Shared::new(columns)) };
    }

    /// Adds the products of a row of outputs to a band of the input's gradient, in which their windows begin at row `top`.
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

fn rounded(panels: Panels, bf16: Option<Bf16>) -> Panels {
    match bf16 {
        Some(bf16) => panels.rounded(bf16),
        None => panels,
    }
}

/// Whether Winograd's filtering applies and pays.
fn is_winograd(window: Window, from: usize) -> bool {
    window == Window { size: 3, stride: 1, padding: 1 } && from >= FEW_CHANNELS
}

fn tile_size(from: usize, to: usize) -> TileSize {
    if from * to > LARGE_WEIGHTS { TileSize::Two } else { TileSize::Four }
}

/// Images with zeros around them.
fn pad(values: &[f32], plane: Plane, padding: usize, channels: usize) -> (Pooled, Plane) {
    let wide = Plane { n: plane.n, h: plane.h + 2 * padding, w: plane.w + 2 * padding };
    let mut buffer = Pooled::new(wide.pixels() * channels);
    let padded = buffer.values();
    padded.fill(0.0);
    for (row, values) in values.chunks_exact(plane.w * channels).enumerate() {
        let (image, row) = (row / plane.h, row % plane.h);
        let start = ((image * wide.h + row + padding) * wide.w + padding) * channels;
        padded[start..start + values.len()].copy_from_slice(values);
    }
    (buffer, wide)
}

/// Values a thread takes at once in passes over whole tensors.
const CHUNK: usize = 1 << 14;

/// Sets the values, `[pixels, channels]`, to 0 whose bits are not set.
pub(crate) fn keep(team: Team<'_>, kept: &Signs, channels: usize, values: &mut [f32]) {
    let (rows, pixels) = ((CHUNK / channels).max(1), values.len() / channels);
    let values = Shared::new(values);
    team.for_each(pixels.div_ceil(rows), |chunk| {
        let range = chunk * rows..((chunk + 1) * rows).min(pixels);
        team.level.with_lanes(Keep { kept, channels, pixels: range, values });
    });
}

/// Some pixels of [`keep`].
struct Keep<'a> {
    kept: &'a Signs,
    channels: usize,
    pixels: Range<usize>,
    values: Shared<'a>,
}

impl LanesWork for Keep<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for pixel in self.pixels {
            for start in (0..self.channels).step_by(LANES) {
                let width = (self.channels - start).min(LANES);
                let place = self.values.at(pixel * self.channels + start, width);
                // SAFETY: there are as many, and these pixels are this thread's.
                unsafe { L::load(place, width).keep(self.kept.word(pixel, start)).store(place, width) };
            }
        }
    }
}

#[cfg(test)]
mod tests;
