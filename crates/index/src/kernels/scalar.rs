//! Specification of every kernel, in plain Rust over lanes of fixed width.
//!
//! Bodies that the compiler vectorises well are `#[inline(always)]`, and the higher levels compile them again
//! with their own instructions. None may contract a product and a sum, so all levels give the same bits.

use super::operands::{F32Product, Form, GROUP, Int8Product, Line, Quantised, WIDTH, Word};

/// Independent partial sums of a distance, enough to hide the latency of an addition.
const LANES: usize = 64;
/// Width of the steps after the last full [`LANES`].
const STEP: usize = 16;

/// 1.5 * 2^23; a small float plus this has its nearest integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// Writes the codes of a vector; excess `codes` become zero.
#[inline(always)]
pub(super) fn quantise(row: &[f32], codes: &mut [i8]) -> Quantised {
    let largest = largest_magnitude(row);
    let inverse = 127.0 / largest;
    let scale = if inverse.is_finite() { largest / 127.0 } else { 0.0 };
    codes.fill(0);
    if scale > 0.0 {
        for (code, &x) in codes.iter_mut().zip(row) {
            *code = (x * inverse + ROUNDER).to_bits() as i8;
        }
    }
    let [squared_norm, squared_code_norm, squared_error] = sums_of_squares(row, codes, scale);
    Quantised { scale, squared_norm, squared_code_norm, squared_error }
}

#[inline(always)]
fn largest_magnitude(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<STEP>();
    let mut lanes = [0.0; STEP];
    for chunk in chunks {
        for i in 0..STEP {
            lanes[i] = larger(chunk[i].abs(), lanes[i]);
        }
    }
    let lanes = lanes.into_iter().fold(0.0, |most, x| larger(x, most));
    rest.iter().fold(lanes, |most, x| larger(x.abs(), most))
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// `|x|^2`, `|x^|^2` and `|x - x^|^2` in f64, whose rounding is far below the later rounding up to f32.
#[inline(always)]
fn sums_of_squares(row: &[f32], codes: &[i8], scale: f32) -> [f64; 3] {
    let scale = f64::from(scale);
    let (chunks, rest) = row.as_chunks::<STEP>();
    let mut lanes = [[0.0f64; STEP]; 3];
    for (row, codes) in chunks.iter().zip(codes.as_chunks::<STEP>().0) {
        for i in 0..STEP {
            let squares = squares(row[i], codes[i], scale);
            lanes[0][i] += squares[0];
            lanes[1][i] += squares[1];
            lanes[2][i] += squares[2];
        }
    }
    let mut sums = lanes.map(|lanes| lanes.iter().sum::<f64>());
    for (&x, &code) in rest.iter().zip(&codes[chunks.len() * STEP..]) {
        let squares = squares(x, code, scale);
        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
    }
    sums
}

#[inline(always)]
fn squares(x: f32, code: i8, scale: f64) -> [f64; 3] {
    let (x, quantised) = (f64::from(x), scale * f64::from(code));
    [x * x, quantised * quantised, (x - quantised) * (x - quantised)]
}

pub(super) fn int8_products(product: &Int8Product<'_>, out: &mut [i32]) {
    let Int8Product { k, groups, .. } = *product;
    for (p, panel) in product.lines.chunks_exact(groups).enumerate() {
        let at = p * WIDTH;
        let width = WIDTH.min(k - at);
        for (i, query) in product.queries.chunks_exact(groups).enumerate() {
            let sums = int8_panel(panel, query, product.corrections[i]);
            out[i * k + at..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

fn int8_panel(panel: &[Line], query: &[Word], correction: i32) -> [i32; WIDTH] {
    let mut sums = [correction; WIDTH];
    for (line, word) in panel.iter().zip(query) {
        let word = word.map(i32::from);
        for (sum, codes) in sums.iter_mut().zip(line.as_chunks::<GROUP>().0) {
            let products = codes.iter().zip(word).map(|(&code, q)| i32::from(code) * q);
            *sum = sum.wrapping_add(products.sum::<i32>());
        }
    }
    sums
}

pub(super) fn f32_products(product: &F32Product<'_>, out: &mut [f32]) {
    let F32Product { k, d, .. } = *product;
    for (p, panel) in product.lines.chunks_exact(d).enumerate() {
        let at = p * WIDTH;
        let width = WIDTH.min(k - at);
        for (i, query) in product.queries.chunks_exact(d).enumerate() {
            let mut sums = [0.0; WIDTH];
            for (line, &q) in panel.iter().zip(query) {
                sums.iter_mut().zip(line).for_each(|(sum, &x)| *sum = multiply_add(q, x, *sum));
            }
            out[i * k + at..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

/// `a * b + c`, fused if the architecture's baseline has the instruction.
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
pub(super) fn table_add(base: &[f32], scale: f32, other: &[f32], out: &mut [f32]) {
    for ((out, &base), &other) in out.iter_mut().zip(base).zip(other) {
        *out = base + scale * other;
    }
}

/// A float, or its 4 little-endian bytes, of which all values are valid.
pub(super) trait Component: Copy {
    fn value(self) -> f32;
}

impl Component for f32 {
    #[inline(always)]
    fn value(self) -> f32 {
        self
    }
}

impl Component for [u8; 4] {
    #[inline(always)]
    fn value(self) -> f32 {
        f32::from_le_bytes(self)
    }
}

pub(super) fn distances<B: Component>(form: Form, query: &[f32], rows: &[B], out: &mut [f32]) {
    let d = query.len();
    for (i, out) in out.iter_mut().enumerate() {
        *out = distance(form, query, &rows[i * d..][..d]);
    }
}

#[inline]
pub(super) fn distance<B: Component>(form: Form, a: &[f32], b: &[B]) -> f32 {
    match form {
        Form::SquaredL2 => sum_in_lanes::<true, B>(a, b),
        Form::InnerProduct => sum_in_lanes::<false, B>(a, b),
    }
}

/// Squared difference or product.
#[inline(always)]
fn term<const SQUARED: bool>(a: f32, b: f32) -> f32 {
    if SQUARED { (a - b) * (a - b) } else { a * b }
}

/// Sums terms in [`LANES`] partial sums: chunks of that size, then of [`STEP`], then single components.
#[inline(always)]
fn sum_in_lanes<const SQUARED: bool, B: Component>(a: &[f32], b: &[B]) -> f32 {
    let d = a.len().min(b.len());
    let (a_chunks, a_rest) = a[..d].as_chunks::<LANES>();
    let (b_chunks, b_rest) = b[..d].as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            lanes[i] += term::<SQUARED>(a[i], b[i].value());
        }
    }
    let (a_steps, a_last) = a_rest.as_chunks::<STEP>();
    let (b_steps, b_last) = b_rest.as_chunks::<STEP>();
    let (lane_steps, _) = lanes.as_chunks_mut::<STEP>();
    for (lanes, (a, b)) in lane_steps.iter_mut().zip(a_steps.iter().zip(b_steps)) {
        for i in 0..STEP {
            lanes[i] += term::<SQUARED>(a[i], b[i].value());
        }
    }
    fold(&mut lanes) + rest::<SQUARED, B>(a_last, b_last)
}

/// Sums the terms of the last few components in order.
#[inline(always)]
pub(super) fn rest<const SQUARED: bool, B: Component>(a: &[f32], b: &[B]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (&a, b)| sum + term::<SQUARED>(a, b.value()))
}

/// Sums all lanes by halving their number.
#[inline(always)]
fn fold(lanes: &mut [f32; LANES]) -> f32 {
    for half in [32, 16, 8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

pub(super) fn below(values: &[f32], threshold: f32, hits: &mut Vec<u32>) {
    for (i, chunk) in values.chunks(STEP).enumerate() {
        if chunk.iter().fold(false, |any, &value| any | (value <= threshold)) {
            push_hits(chunk, i * STEP, threshold, hits);
        }
    }
}

/// Appends the hits among values that start at position `at`.
pub(super) fn push_hits(values: &[f32], at: usize, threshold: f32, hits: &mut Vec<u32>) {
    let hit = values.iter().enumerate().filter(|&(_, &value)| value <= threshold);
    hits.extend(hit.map(|(i, _)| (at + i) as u32));
}

#[inline(always)]
fn least(values: &[f32]) -> f32 {
    values.iter().fold(f32::INFINITY, |least, &value| smaller(value, least))
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
pub(super) fn argmin(norms: &[f32], products: &[f32]) -> (u32, f32) {
    let score = |norm: f32, product: f32| norm - 2.0 * product;
    let (norm_chunks, norm_rest) = norms.as_chunks::<STEP>();
    let (product_chunks, product_rest) = products.as_chunks::<STEP>();
    let mut lanes = [f32::INFINITY; STEP];
    for (norms, products) in norm_chunks.iter().zip(product_chunks) {
        for i in 0..STEP {
            lanes[i] = smaller(score(norms[i], products[i]), lanes[i]);
        }
    }
    let rest = norm_rest.iter().zip(product_rest).map(|(&norm, &product)| score(norm, product));
    let best = rest.fold(least(&lanes), |best, score| smaller(score, best));
    let chunk = norm_chunks.iter().zip(product_chunks).position(|(norms, products)| {
        (0..STEP).fold(false, |any, i| any | (score(norms[i], products[i]) == best))
    });
    let from = chunk.unwrap_or(norm_chunks.len()) * STEP;
    let tail = norms[from..].iter().zip(&products[from..]);
    let place = tail.map(|(&norm, &product)| score(norm, product)).position(|score| score == best);
    place.map_or((0, f32::INFINITY), |place| ((from + place) as u32, best))
}
