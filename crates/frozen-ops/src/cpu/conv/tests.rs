//! Every level and algorithm against sums in float64.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::{ThreadPoolBuilder, prelude::*};
use simd::Level;

use super::{
    super::relu_mask::{WORD_BITS, mask_of},
    *,
};

fn floats(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Convolution of images, with all of its operands.
struct Case {
    window: Window,
    plane: Plane,
    output: Plane,
    from: usize,
    to: usize,
    values: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Residual of the forward pass, and gradient of the output: `[n, h', w', to]`.
    other: Vec<f32>,
    bf16: Option<Bf16>,
}

impl Case {
    fn new(
        [size, stride, padding]: [usize; 3],
        [n, h, w]: [usize; 3],
        [from, to]: [usize; 2],
    ) -> Option<Self> {
        let (window, plane) = (Window { size, stride, padding }, Plane { n, h, w });
        let output = window.output(plane)?;
        Some(Self {
            window,
            plane,
            output,
            from,
            to,
            values: floats(plane.pixels() * from, 1),
            weight: floats(to * from * size * size, 2),
            bias: floats(to, 3),
            other: floats(output.pixels() * to, 4),
            bf16: None,
        })
    }

    fn conv(&self) -> CpuConv {
        CpuConv::new(self.window, self.from, self.weight.clone(), self.bias.clone(), self.bf16)
    }

    /// Returns the case with values that bf16 holds exactly, so that only sums are rounded.
    fn in_bf16(mut self, bf16: Bf16) -> Self {
        for values in [&mut self.values, &mut self.weight, &mut self.other] {
            values.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits() & 0xffff_0000));
        }
        self.bf16 = Some(bf16);
        self
    }

    /// Calls `visit` with the input pixel, the output pixel and the tap of every product of pixels.
    fn for_each_product(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Window { size, stride, padding } = self.window;
        for out in 0..self.output.pixels() {
            let (image, row, column) = self.output.coordinates(out);
            for tap in 0..size * size {
                let row = (row * stride + tap / size).checked_sub(padding);
                let column = (column * stride + tap % size).checked_sub(padding);
                if let Some(pixel) = self.plane.pixel(image, row, column) {
                    visit(pixel, out, tap);
                }
            }
        }
    }

    fn weight(&self, tap: usize, i: usize, o: usize) -> f64 {
        f64::from(self.weight[(o * self.from + i) * self.window.size.pow(2) + tap])
    }

    /// Returns `relu(conv + bias + other)` in float64.
    fn expected(&self, residual: bool, relu: bool) -> Vec<f64> {
        let mut out: Vec<f64> = self.bias.iter().map(|&x| f64::from(x)).collect();
        out = out.repeat(self.output.pixels());
        if residual {
            out.iter_mut().zip(&self.other).for_each(|(out, &x)| *out += f64::from(x));
        }
        self.for_each_product(|pixel, place, tap| {
            for (o, out) in out[place * self.to..][..self.to].iter_mut().enumerate() {
                let values = self.values[pixel * self.from..][..self.from].iter().enumerate();
                *out += values.map(|(i, &x)| f64::from(x) * self.weight(tap, i, o)).sum::<f64>();
            }
        });
        if relu { out.into_iter().map(|x| x.max(0.0)).collect() } else { out }
    }

    /// Returns the masked gradient in float64, added to the values if `accumulate` is set.
    fn expected_gradient(&self, accumulate: bool, mask: Option<&ReluMask>) -> Vec<f64> {
        let is_kept = |place: usize| {
            let (pixel, channel) = (place / self.from, place % self.from);
            let bit = |mask: &ReluMask| mask.word(pixel, channel) >> (channel % WORD_BITS) & 1;
            mask.is_none_or(|mask| bit(mask) == 1)
        };
        let start = |&x: &f32| if accumulate { f64::from(x) } else { 0.0 };
        let mut out: Vec<f64> = self.values.iter().map(start).collect();
        self.for_each_product(|pixel, place, tap| {
            for (i, out) in out[pixel * self.from..][..self.from].iter_mut().enumerate() {
                let places = (place * self.to..(place + 1) * self.to).enumerate();
                *out += places.map(|(o, x)| f64::from(self.other[x]) * self.weight(tap, i, o)).sum::<f64>();
            }
        });
        let places = out.iter_mut().enumerate().filter(|(place, _)| !is_kept(*place));
        places.for_each(|(_, out)| *out = 0.0);
        out
    }

    /// Expected rounding error of a sum over all taps and channels, of products up to 1, as a random walk.
    fn rounding(&self, channels: usize) -> f64 {
        let products = (channels * self.window.size.pow(2)) as f64;
        products.sqrt() * f64::from(f32::EPSILON)
    }

    fn check(&self, level: Level) {
        Team::parallel(level, |team| self.check_by(team));
    }

    fn check_by(&self, team: Team<'_>) {
        let level = team.level;
        let (conv, name) = (self.conv(), format!("{} {:?} {:?}", level.name(), self.window, self.plane));
        for (residual, relu) in [(false, false), (true, true), (true, false), (false, true)] {
            let mut out = if residual { self.other.clone() } else { vec![f32::NAN; self.other.len()] };
            let mut mask = ReluMask::new(self.output.pixels(), self.to);
            let input = Input {
                team,
                plane: self.plane,
                values: &self.values,
                accumulate: residual,
                relu,
                mask_out: Some(mask.share()),
            };
            conv.forward(input, self.output, &mut out);
            compare(&out, &self.expected(residual, relu), self.rounding(self.from), &name);
            assert!(mask == masks_of(&out, self.to), "{name}: mask");
        }
        let mask = masks_of(&floats(self.values.len(), 5), self.from);
        for (accumulate, mask) in [(false, None), (false, Some(&mask)), (true, None), (true, Some(&mask))] {
            let mut out = if accumulate { self.values.clone() } else { vec![f32::NAN; self.values.len()] };
            let gradient = OutputGradient { team, plane: self.plane, values: &self.other, accumulate, mask };
            conv.input_gradient(gradient, self.output, &mut out);
            compare(&out, &self.expected_gradient(accumulate, mask), self.rounding(self.to), &name);
        }
    }
}

fn masks_of(values: &[f32], channels: usize) -> ReluMask {
    let mut mask = ReluMask::new(values.len() / channels, channels);
    for (pixel, values) in values.chunks_exact(channels).enumerate() {
        for (word, values) in values.chunks(WORD_BITS).enumerate() {
            // SAFETY: no other thread has the words.
            unsafe { mask.share().set(pixel, word * WORD_BITS, mask_of(values)) };
        }
    }
    mask
}

/// Compares results with bounds for Winograd's filtering of 4x4 outputs, which adds values up to 100 times larger and
/// weights them up to 64 times. The largest root mean square of errors found is 6 times `rounding`, the largest error
/// 103 times, in the last corner of a tile.
fn compare(found: &[f32], expected: &[f64], rounding: f64, name: &str) {
    assert_eq!(found.len(), expected.len());
    let mut squares = 0.0;
    for (i, (&found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= 200.0 * rounding, "{name}: value {i} is {found}, expected {expected}");
        squares += error * error;
    }
    let mean = (squares / found.len() as f64).sqrt();
    assert!(mean <= 12.0 * rounding, "{name}: errors of {mean:e} where single products err by {rounding:e}");
}

const WINDOWS: [[usize; 3]; 8] =
    [[1, 1, 0], [3, 1, 1], [3, 2, 1], [1, 2, 0], [7, 2, 3], [2, 2, 0], [5, 3, 2], [3, 1, 0]];

#[test]
fn every_level_computes_every_window() {
    for level in Level::available() {
        for window in WINDOWS {
            for channels in [[3, 5], [16, 70], [33, 130]] {
                for plane in [[1, 9, 13], [2, 12, 7], [1, 1, 1], [3, 2, 5]] {
                    Case::new(window, plane, channels).iter().for_each(|case| case.check(level));
                }
            }
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the skip shows in the output of the test")]
fn products_of_bf16_are_exact() {
    let Some(bf16) = Bf16::detected() else {
        return eprintln!("SKIPPED: this processor has no dot products of bf16");
    };
    for window in WINDOWS {
        for (channels, plane) in [([3, 5], [1, 9, 13]), ([16, 70], [2, 12, 7]), ([33, 130], [3, 2, 5])] {
            let case = Case::new(window, plane, channels);
            case.into_iter().for_each(|case| case.in_bf16(bf16).check(Level::detected()));
        }
    }
}

#[test]
fn both_tile_sizes_and_both_ways_of_sharing_work() {
    let pool = ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    for level in Level::available() {
        // 4x4 and 2x2 outputs a tile; few tiles and many.
        for (plane, channels) in [([1, 30, 29], [16, 16]), ([1, 5, 5], [288, 288])] {
            let case = Case::new([3, 1, 1], plane, channels).expect("fits");
            pool.install(|| case.check(level));
        }
    }
}

#[test]
fn images_may_be_long_and_batches_large() {
    for (plane, window) in [([1, 513, 289], [7, 2, 3]), ([9, 17, 3], [3, 1, 1]), ([9, 3, 17], [3, 2, 1])] {
        Case::new(window, plane, [3, 4]).expect("fits").check(Level::detected());
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for window in WINDOWS {
        let case = Case::new(window, [2, 40, 37], [16, 70]).expect("fits");
        let outputs: Vec<Vec<f32>> = (1..=8)
            .map(|threads| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                let conv = case.conv();
                let mut both = vec![f32::NAN; case.other.len() + case.values.len()];
                let (out, gradient) = both.split_at_mut(case.other.len());
                let (plane, values) = (case.plane, &case.values[..]);
                let work = |team: Team<'_>| {
                    let input = Input { team, plane, values, accumulate: false, relu: true, mask_out: None };
                    conv.forward(input, case.output, out);
                    let mask = masks_of(values, case.from);
                    let (values, mask) = (&case.other[..], Some(&mask));
                    let given = OutputGradient { team, plane, values, accumulate: false, mask };
                    conv.input_gradient(given, case.output, gradient);
                };
                pool.install(|| Team::parallel(Level::detected(), work));
                both
            })
            .collect();
        outputs.windows(2).for_each(|pair| assert_eq!(pair[0], pair[1], "{window:?}"));
    }
}

/// Deadlocks if weights are packed under a lock.
#[test]
fn gradients_may_be_requested_first_by_many_tasks_at_once() {
    let pool = ThreadPoolBuilder::new().num_threads(8).build().expect("threads");
    let case = Case::new([3, 1, 1], [1, 9, 13], [64, 64]).expect("fits");
    let (plane, values) = (case.plane, &case.other[..]);
    for _ in 0..20 {
        let conv = case.conv();
        let gradients: Vec<Vec<f32>> = pool.install(|| {
            let gradient = |_| {
                let mut out = vec![f32::NAN; case.values.len()];
                Team::parallel(Level::detected(), |team| {
                    let given = OutputGradient { team, plane, values, accumulate: false, mask: None };
                    conv.input_gradient(given, case.output, &mut out);
                });
                out
            };
            (0..64).into_par_iter().map(gradient).collect()
        });
        assert!(gradients.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(conv.unpacked().is_none(), "weights that are packed are dropped");
    }
}
