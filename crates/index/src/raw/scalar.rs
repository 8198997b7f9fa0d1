//! The specification of every kernel, in plain Rust over lanes of fixed width.
//!
//! Bodies that the compiler turns into good vector code are `#[inline(always)]`, and the levels above compile
//! them again with their own instructions. None of those may contract a product and a sum, so they give the
//! same bits everywhere.

use super::bounds::{BLOCK, BoundTerms, BoundWeights};
use super::distance::Form;
use super::f32_panels::{self, F32Product};
use super::int8_panels::{self, GROUP, Int8Product, Word};

/// Independent partial sums of a distance, enough to hide the latency of an addition.
const LANES: usize = 64;
/// Width of the step after the last full [`LANES`].
const STEP: usize = 16;

pub(super) fn int8_products(product: &Int8Product<'_>, out: &mut [i32]) {
    let Int8Product { k, groups, .. } = *product;
    for (p, panel) in product.lines.chunks_exact(groups).enumerate() {
        let at = p * int8_panels::WIDTH;
        let width = int8_panels::WIDTH.min(k - at);
        for (i, query) in product.queries.chunks_exact(groups).enumerate() {
            let sums = int8_panel(panel, query, product.corrections[i]);
            out[i * k + at..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

fn int8_panel(panel: &[int8_panels::Line], query: &[Word], correction: i32) -> [i32; int8_panels::WIDTH] {
    let mut sums = [correction; int8_panels::WIDTH];
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
        let at = p * f32_panels::WIDTH;
        let width = f32_panels::WIDTH.min(k - at);
        for (i, query) in product.queries.chunks_exact(d).enumerate() {
            let mut sums = [0.0; f32_panels::WIDTH];
            for (line, &q) in panel.iter().zip(query) {
                sums.iter_mut().zip(line).for_each(|(sum, &x)| *sum = multiply_add(q, x, *sum));
            }
            out[i * k + at..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

/// Fused where the architecture's baseline has the instruction.
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
pub(super) fn table_add(base: &[f32], scale: f32, other: &[f32], out: &mut [f32]) {
    for ((out, &base), &other) in out.iter_mut().zip(base).zip(other) {
        *out = base + scale * other;
    }
}

/// A float, or the bytes of one.
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

#[inline(always)]
pub(super) fn distance(form: Form, a: &[f32], b: &[f32]) -> f32 {
    any_distance(form, a, b)
}

#[inline(always)]
pub(super) fn distance_of_bytes(form: Form, a: &[f32], b: &[[u8; 4]]) -> f32 {
    any_distance(form, a, b)
}

#[inline(always)]
pub(super) fn distances(form: Form, query: &[f32], rows: &[f32], out: &mut [f32]) {
    any_distances(form, query, rows, out);
}

#[inline(always)]
pub(super) fn distances_of_bytes(form: Form, query: &[f32], rows: &[[u8; 4]], out: &mut [f32]) {
    any_distances(form, query, rows, out);
}

#[inline(always)]
fn any_distances<B: Component>(form: Form, query: &[f32], rows: &[B], out: &mut [f32]) {
    let d = query.len();
    for (i, out) in out.iter_mut().enumerate() {
        *out = any_distance(form, query, &rows[i * d..][..d]);
    }
}

#[inline(always)]
fn any_distance<B: Component>(form: Form, a: &[f32], b: &[B]) -> f32 {
    match form {
        Form::SquaredL2 => sum_in_lanes(a, b, |a, b| (a - b) * (a - b)),
        Form::InnerProduct => sum_in_lanes(a, b, |a, b| a * b),
    }
}

/// Sums in [`LANES`] partial sums: chunks of that size, then of [`STEP`], then single components.
#[inline(always)]
fn sum_in_lanes<B: Component>(a: &[f32], b: &[B], term: impl Fn(f32, f32) -> f32) -> f32 {
    let d = a.len().min(b.len());
    let (a_chunks, a_rest) = a[..d].as_chunks::<LANES>();
    let (b_chunks, b_rest) = b[..d].as_chunks::<LANES>();
    let mut lanes = [[0.0; STEP]; LANES / STEP];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.as_chunks().0.iter().zip(b.as_chunks().0)) {
            add_terms(lane, a, b, &term);
        }
    }
    let (a_steps, a_rest) = a_rest.as_chunks::<STEP>();
    let (b_steps, b_rest) = b_rest.as_chunks::<STEP>();
    for (lane, (a, b)) in lanes.iter_mut().zip(a_steps.iter().zip(b_steps)) {
        add_terms(lane, a, b, &term);
    }
    let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (&a, b)| sum + term(a, b.value()));
    fold(lanes) + rest
}

#[inline(always)]
fn add_terms<B: Component>(
    lane: &mut [f32; STEP],
    a: &[f32; STEP],
    b: &[B; STEP],
    term: impl Fn(f32, f32) -> f32,
) {
    for i in 0..STEP {
        lane[i] += term(a[i], b[i].value());
    }
}

/// The sum of all lanes, halving their number at each step.
#[inline(always)]
fn fold([a, b, c, d]: [[f32; STEP]; LANES / STEP]) -> f32 {
    let mut lanes: [f32; STEP] = std::array::from_fn(|i| (a[i] + b[i]) + (c[i] + d[i]));
    for half in [8, 4, 2, 1] {
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

/// Appends the hits of values that begin at a position.
pub(super) fn push_hits(values: &[f32], at: usize, threshold: f32, hits: &mut Vec<u32>) {
    let hit = values.iter().enumerate().filter(|&(_, &value)| value <= threshold);
    hits.extend(hit.map(|(i, _)| (at + i) as u32));
}

#[inline(always)]
pub(super) fn lower_bounds(
    terms: BoundTerms<'_>,
    weights: BoundWeights,
    out: &mut [f32],
    minima: &mut [f32],
) {
    for (block, (out, minimum)) in out.chunks_mut(BLOCK).zip(minima).enumerate() {
        let at = block * BLOCK;
        *minimum = match out.as_mut_array::<BLOCK>() {
            Some(out) => bound_block(terms, weights, at, out),
            None => bound_block(terms, weights, at, out),
        };
    }
}

/// Bounds of the vectors from `at` on and the least of them.
#[inline(always)]
fn bound_block(terms: BoundTerms<'_>, weights: BoundWeights, at: usize, out: &mut [f32]) -> f32 {
    let width = out.len();
    let (products, scales) = (&terms.products[at..][..width], &terms.scales[at..][..width]);
    let (base, codes) = (&terms.base[at..][..width], &terms.code_norms[at..][..width]);
    let errors = &terms.error_norms[at..][..width];
    for i in 0..width {
        let product = weights.product * (scales[i] * products[i] as f32);
        let error = weights.code_norm * codes[i] + weights.error_norm * errors[i];
        out[i] = weights.offset + base[i] - product - error;
    }
    least(out)
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
