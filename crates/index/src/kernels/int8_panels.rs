//! Exact products of int8 vectors, for a filter with rigorous error bounds.
//!
//! Vectors are quantised symmetrically, each with its own scale: `x ~ scale * code`,
//! `scale = max|x_i| / 127`, rounded to nearest. Stored codes have 128 added and are u8, because the
//! processor multiplies u8 by i8; a sum over the query's codes corrects for that. Norms of the codes and of
//! the errors bound `x.y` rigorously: `|x.y - x^.y^| <= |x - x^| |y^| + |x| |y - y^|`.

use simd::Level;

use super::{
    dispatch::dispatch,
    operands::{GROUP, Int8Product, Line, Quantised, WIDTH, Word},
    scalar,
};

/// Largest dimension whose products always fit in an i32.
const MOST_COMPONENTS: usize = 1 << 16;

/// `k` vectors in int8, interleaved in panels of 16 vectors.
#[derive(Debug, Clone)]
pub(crate) struct Int8Panels {
    k: usize,
    d: usize,
    /// `[ceil(k / 16), ceil(d / 4)]` lines, padded with the code of 0.
    lines: Vec<Line>,
    /// `[k]`: factors of the codes.
    pub scales: Vec<f32>,
    /// `[k]`: `|c|^2`, rounded to nearest.
    pub squared_norms: Vec<f32>,
    /// `[k]`: `|c^|`, the norm of the quantised vector, rounded up.
    pub code_norms: Vec<f32>,
    /// `[k]`: `|c - c^|`, rounded up.
    pub error_norms: Vec<f32>,
}

/// `n` queries in int8.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Int8Queries {
    /// `[n, ceil(d / 4)]`, zero padded.
    words: Vec<Word>,
    /// `[n]`: `-128 sum_i code_i`.
    corrections: Vec<i32>,
    /// `[n]`
    pub scales: Vec<f32>,
    /// `[n]`: `|q|^2`, rounded to nearest.
    pub squared_norms: Vec<f32>,
    /// `[n]`: `|q|`, rounded up.
    pub norms: Vec<f32>,
    /// `[n]`: `|q - q^|`, rounded up.
    pub error_norms: Vec<f32>,
}

impl Int8Panels {
    /// Quantises the rows of `[k, d]`; `None` if a product of this dimension might overflow.
    pub fn new(rows: &[f32], d: usize) -> Option<Self> {
        if d == 0 || d > MOST_COMPONENTS {
            return None;
        }
        let (k, groups, level) = (rows.len() / d, d.div_ceil(GROUP), Level::detected());
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
            let quantised = quantise(level, row, &mut codes);
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

    /// Computes exact products of the codes: `out[i, c] = sum_j query_ij code_cj`, row-major `[n, k]`.
    pub fn products(&self, level: Level, queries: &Int8Queries, out: &mut [i32]) {
        let (k, groups, lines) = (self.k, self.d.div_ceil(GROUP), &self.lines[..]);
        let (n, queries, corrections) = (queries.n(), &queries.words[..], &queries.corrections[..]);
        assert_eq!((queries.len(), out.len()), (n * groups, n * k), "queries [n, d] and products [n, k]");
        if k > 0 && n > 0 {
            dispatch!(level, int8_products(&Int8Product { k, groups, lines, queries, corrections }, out));
        }
    }
}

impl Int8Queries {
    /// Number of queries.
    pub fn n(&self) -> usize {
        self.corrections.len()
    }

    /// Quantises the rows of `[n, d]`, `d > 0`.
    pub fn new(level: Level, rows: &[f32], d: usize) -> Self {
        let (n, groups) = (rows.len() / d, d.div_ceil(GROUP));
        let mut queries = Self { words: vec![[0; GROUP]; n * groups], ..Self::default() };
        for (row, words) in rows.chunks_exact(d).zip(queries.words.chunks_exact_mut(groups)) {
            let codes = words.as_flattened_mut();
            let quantised = quantise(level, row, codes);
            queries.corrections.push(-128 * codes.iter().map(|&code| i32::from(code)).sum::<i32>());
            queries.scales.push(quantised.scale);
            queries.squared_norms.push(quantised.squared_norm as f32);
            queries.norms.push(round_up(quantised.squared_norm.sqrt()));
            queries.error_norms.push(round_up(quantised.squared_error.sqrt()));
        }
        queries
    }
}

/// Writes the codes of a vector; excess `codes` become zero.
fn quantise(level: Level, row: &[f32], codes: &mut [i8]) -> Quantised {
    level.run(
        #[inline(always)]
        || scalar::quantise(row, codes),
    )
}

/// A float not below `x`.
fn round_up(x: f64) -> f32 {
    (x as f32).next_up()
}
