//! Matrix products of f32 rows, for tables, assignment and exhaustive search.

use simd::Level;

use super::{
    dispatch::dispatch,
    operands::{F32Product, WIDTH},
};

/// `k` rows of dimension `d`, transposed in panels of 16 rows.
#[derive(Debug, Clone)]
pub(crate) struct F32Panels {
    k: usize,
    d: usize,
    /// `[ceil(k / 16), d]` lines, each one component of 16 rows, zero padded.
    lines: Vec<[f32; WIDTH]>,
}

impl F32Panels {
    /// Transposes the rows of `[k, d]`, `d > 0`.
    pub fn new(rows: &[f32], d: usize) -> Self {
        let k = rows.len() / d;
        let mut lines = vec![[0.0; WIDTH]; k.div_ceil(WIDTH) * d];
        for (panel, rows) in lines.chunks_exact_mut(d).zip(rows.chunks(WIDTH * d)) {
            for (lane, row) in rows.chunks_exact(d).enumerate() {
                panel.iter_mut().zip(row).for_each(|(line, &x)| line[lane] = x);
            }
        }
        Self { k, d, lines }
    }

    /// Number of rows.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Dimension of the rows.
    pub fn d(&self) -> usize {
        self.d
    }

    /// Computes `out[i, c] = sum_j query_ij row_cj`, row-major `[n, k]`.
    ///
    /// Sums run over `j` in order. Above [`Level::SCALAR`], products are fused with additions, so levels
    /// differ by at most `d eps sum_j |query_ij row_cj|` with `eps` = 2^-23.
    pub fn products(&self, level: Level, queries: &[f32], out: &mut [f32]) {
        let (k, d, lines) = (self.k, self.d, &self.lines[..]);
        let n = queries.len() / d;
        assert_eq!((queries.len(), out.len()), (n * d, n * k), "queries [n, d] and products [n, k]");
        if n > 0 && k > 0 {
            dispatch!(level, f32_products(&F32Product { k, d, lines, queries }, out));
        }
    }
}
