//! Exact products of int8 vectors, for a coarse scan that is later made exact.
//!
//! Vectors are quantised symmetrically, each with its own scale: `x ~ scale * code`, `scale = max|x_i| / 127`,
//! rounded to nearest. The stored side is kept 128 higher as u8, since the processor multiplies u8 by i8; a sum
//! over the query's codes takes that back. Norms of the codes and of the errors bound `x.y` rigorously:
//! `|x.y - x^.y^| <= |x - x^| |y^| + |x| |y - y^|`.

use super::{Level, dispatch};

/// Vectors in one panel.
pub(super) const WIDTH: usize = 16;
/// Components that one instruction multiplies and adds.
pub(super) const GROUP: usize = 4;
/// `WIDTH` vectors by `GROUP` components, of u8.
pub(super) type Line = [u8; WIDTH * GROUP];
/// `GROUP` components of a query.
pub(super) type Word = [i8; GROUP];

/// Above this dimension a product might not fit into an i32.
const MOST_COMPONENTS: usize = 1 << 16;

/// 1.5 * 2^23: a small float plus this holds the nearest integer in its low bits.
const ROUNDER: f32 = 12_582_912.0;

/// `k` vectors in int8, interleaved in panels of 16.
#[derive(Debug, Clone)]
pub(crate) struct Int8Panels {
    k: usize,
    d: usize,
    /// `[ceil(k / 16), ceil(d / 4)]` lines, padded by the code of 0.
    lines: Vec<Line>,
    /// `[k]`: what a code is to be multiplied by.
    pub scales: Vec<f32>,
    /// `[k]`: `|c|^2`, to nearest.
    pub squared_norms: Vec<f32>,
    /// `[k]`: `|c^|`, the norm of the quantised vector, rounded up.
    pub code_norms: Vec<f32>,
    /// `[k]`: `|c - c^|`, rounded up.
    pub error_norms: Vec<f32>,
}

/// `n` queries in int8.
#[derive(Debug, Clone, Default)]
pub(crate) struct Int8Queries {
    /// `[n, ceil(d / 4)]`, zero padded.
    words: Vec<Word>,
    /// `[n]`: `-128 sum_i code_i`.
    corrections: Vec<i32>,
    /// `[n]`
    pub scales: Vec<f32>,
    /// `[n]`: `|q|^2`, to nearest.
    pub squared_norms: Vec<f32>,
    /// `[n]`: `|q|`, rounded up.
    pub norms: Vec<f32>,
    /// `[n]`: `|q - q^|`, rounded up.
    pub error_norms: Vec<f32>,
}

/// What the kernels are given. `groups = ceil(d / 4)`.
pub(super) struct Int8Product<'a> {
    pub k: usize,
    pub groups: usize,
    /// `[ceil(k / 16), groups]`
    pub lines: &'a [Line],
    /// `[n, groups]`
    pub queries: &'a [Word],
    /// `[n]`, where a sum begins.
    pub corrections: &'a [i32],
}

impl Int8Panels {
    /// Quantises the rows of `[k, d]`; `None` where a product of this dimension might overflow.
    pub fn new(rows: &[f32], d: usize) -> Option<Self> {
        if d == 0 || d > MOST_COMPONENTS {
            return None;
        }
        let (k, groups) = (rows.len() / d, d.div_ceil(GROUP));
        let mut panels = Self {
            k,
            d,
            lines: vec![[128; WIDTH * GROUP]; k.div_ceil(WIDTH) * groups],
            scales: Vec::with_capacity(k),
            squared_norms: Vec::with_capacity(k),
            code_norms: Vec::with_capacity(k),
            error_norms: Vec::with_capacity(k),
        };
        let mut codes = vec![0; groups * GROUP];
        for (c, row) in rows.chunks_exact(d).enumerate() {
            let quantised = Quantised::new(row, &mut codes);
            panels.put(c, &codes);
            panels.scales.push(quantised.scale);
            panels.squared_norms.push(quantised.squared_norm as f32);
            panels.code_norms.push(round_up(quantised.squared_code_norm.sqrt()));
            panels.error_norms.push(round_up(quantised.squared_error.sqrt()));
        }
        Some(panels)
    }

    /// Number of vectors.
    pub fn k(&self) -> usize {
        self.k
    }

    fn put(&mut self, c: usize, codes: &[i8]) {
        let groups = codes.len() / GROUP;
        let (panel, lane) = (c / WIDTH, c % WIDTH);
        let lines = &mut self.lines[panel * groups..][..groups];
        for (line, codes) in lines.iter_mut().zip(codes.chunks_exact(GROUP)) {
            for (byte, &code) in line[lane * GROUP..].iter_mut().zip(codes) {
                *byte = code.cast_unsigned() ^ 0x80;
            }
        }
    }

    /// The products of the codes, exactly: `out[i, c] = sum_j query_ij code_cj`, row-major `[n, k]`.
    pub fn products(&self, level: Level, queries: &Int8Queries, out: &mut [i32]) {
        self.products_of_range(level, queries, 0..self.k.div_ceil(WIDTH), out);
    }

    /// The products with the vectors of some panels, `[16 start, min(16 end, k))`, row-major.
    pub fn products_of_range(
        &self,
        level: Level,
        queries: &Int8Queries,
        panels: std::ops::Range<usize>,
        out: &mut [i32],
    ) {
        let groups = self.d.div_ceil(GROUP);
        let k = (panels.end * WIDTH).min(self.k) - panels.start * WIDTH;
        let lines = &self.lines[panels.start * groups..panels.end * groups];
        let (n, queries, corrections) =
            (queries.corrections.len(), &queries.words[..], &queries.corrections[..]);
        assert_eq!((queries.len(), out.len()), (n * groups, n * k), "queries [n, d] and products [n, k]");
        if k > 0 && n > 0 {
            dispatch!(level, int8_products(&Int8Product { k, groups, lines, queries, corrections }, out));
        }
    }
}

impl Int8Queries {
    /// Quantises the rows of `[n, d]`, `d > 0`.
    pub fn new(rows: &[f32], d: usize) -> Self {
        let (n, groups) = (rows.len() / d, d.div_ceil(GROUP));
        let mut queries = Self { words: vec![[0; GROUP]; n * groups], ..Self::default() };
        for (row, words) in rows.chunks_exact(d).zip(queries.words.chunks_exact_mut(groups)) {
            let codes = words.as_flattened_mut();
            let quantised = Quantised::new(row, codes);
            queries.corrections.push(-128 * codes.iter().map(|&code| i32::from(code)).sum::<i32>());
            queries.scales.push(quantised.scale);
            queries.squared_norms.push(quantised.squared_norm as f32);
            queries.norms.push(round_up(quantised.squared_norm.sqrt()));
            queries.error_norms.push(round_up(quantised.squared_error.sqrt()));
        }
        queries
    }
}

/// A vector's scale and norms; the codes go elsewhere.
struct Quantised {
    scale: f32,
    squared_norm: f64,
    squared_code_norm: f64,
    squared_error: f64,
}

impl Quantised {
    /// `codes` may be longer than `row` and is zero there.
    fn new(row: &[f32], codes: &mut [i8]) -> Self {
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
        Self { scale, squared_norm, squared_code_norm, squared_error }
    }
}

fn largest_magnitude(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [0.0f32; 16];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane = larger(*lane, x.abs()));
    }
    lanes.into_iter().chain(rest.iter().map(|x| x.abs())).fold(0.0, larger)
}

/// `|x|^2`, `|x^|^2` and `|x - x^|^2`, whose rounding in f64 is far below the one up to f32.
fn sums_of_squares(row: &[f32], codes: &[i8], scale: f32) -> [f64; 3] {
    let squares = |x: f32, code: i8| {
        let (x, quantised) = (f64::from(x), f64::from(scale) * f64::from(code));
        [x * x, quantised * quantised, (x - quantised) * (x - quantised)]
    };
    let (rows, row_rest) = row.as_chunks::<4>();
    let (code_chunks, code_rest) = codes.as_chunks::<4>();
    let mut lanes = [[0.0; 3]; 4];
    let mut add = |lane: usize, x, code| {
        lanes[lane].iter_mut().zip(squares(x, code)).for_each(|(sum, square)| *sum += square);
    };
    for (row, codes) in rows.iter().zip(code_chunks) {
        (0..4).for_each(|lane| add(lane, row[lane], codes[lane]));
    }
    let code_rest = code_chunks.get(rows.len()).map_or(code_rest, |chunk| &chunk[..]);
    row_rest.iter().zip(code_rest).for_each(|(&x, &code)| add(0, x, code));
    [0, 1, 2].map(|i| lanes.iter().map(|sums| sums[i]).sum())
}

/// A float that is not below `x`.
fn round_up(x: f64) -> f32 {
    (x as f32).next_up()
}
