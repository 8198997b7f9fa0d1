//! Nearest of a few rows for many vectors by float32 products, for k-means and product quantisation.

use rayon::prelude::*;
use simd::Level;

use crate::{
    kernels::{self, F32Panels},
    metric::squared_norm,
};

/// Vectors of a register tile; blocks are multiples of it.
const TILE: usize = 12;
/// Bytes of the products of one block: half of a second-level cache.
const PRODUCT_BYTES: usize = 512 << 10;
/// Multiply-adds below which waking other threads costs more than it saves.
const FEW_PRODUCTS: usize = 1 << 20;

/// Nearest centroid of every vector.
pub(crate) struct Nearest {
    /// `[n]`, in `0..k`.
    pub centroids: Vec<i64>,
    /// `[n]`: `|x - c|^2`, or `-x.c` with the inner product.
    pub scores: Vec<f32>,
}

/// One part of every vector: `d` values from column `start` on.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// Row-major `[n, stride]`.
    pub vectors: &'a [f32],
    pub stride: usize,
    pub start: usize,
}

/// Rows packed for products with many vectors.
#[derive(Clone)]
pub(crate) struct Panels {
    pub rows: F32Panels,
    /// `|c|^2`, `[k]`.
    pub norms: Vec<f32>,
}

impl Panels {
    /// Packs rows `[k, d]`, `d > 0`.
    pub fn new(rows: &[f32], d: usize) -> Self {
        let norms = rows.chunks_exact(d).map(|row| squared_norm(row) as f32).collect();
        Self { rows: F32Panels::new(rows, d), norms }
    }
}

/// Buffers of one thread while it assigns a block of vectors.
#[derive(Default)]
struct Scratch {
    /// Parts copied together, `[n, d]`; unused where they are contiguous.
    parts: Vec<f32>,
    /// `[n, k]`
    products: Vec<f32>,
}

/// For each part `[n, d]` of the vectors, returns the row `c` with the least `|c|^2 - 2 x.c`, the first of
/// equals, and that score: `[n]` each.
pub(crate) fn nearest_in_panels(panels: &Panels, parts: Parts<'_>) -> (Vec<u32>, Vec<f32>) {
    let (k, d, level) = (panels.rows.k(), panels.rows.d(), Level::detected());
    let Parts { vectors, stride, start } = parts;
    let n = vectors.len() / stride;
    let (mut rows, mut scores) = (vec![0; n], vec![f32::INFINITY; n]);
    if n == 0 || k == 0 {
        return (rows, scores);
    }
    let together = (PRODUCT_BYTES / (k * size_of::<f32>()) / TILE * TILE).clamp(TILE, 16 * TILE);
    let assign = |scratch: &mut Scratch, ((vectors, rows), scores): ((&[f32], &mut [u32]), &mut [f32])| {
        let Scratch { parts, products } = scratch;
        products.resize(rows.len() * k, 0.0);
        if stride == d {
            panels.rows.products(level, vectors, products);
        } else {
            parts.clear();
            vectors.chunks_exact(stride).for_each(|row| parts.extend_from_slice(&row[start..start + d]));
            panels.rows.products(level, parts, products);
        }
        for ((products, row), score) in products.chunks_exact(k).zip(rows).zip(scores) {
            (*row, *score) = kernels::argmin(level, &panels.norms, products);
        }
    };
    let threads = if n * k * d < FEW_PRODUCTS { 1 } else { rayon::current_num_threads() };
    let together = together.min(n.div_ceil(threads));
    if threads == 1 {
        let blocks = vectors.chunks(together * stride).zip(rows.chunks_mut(together));
        let mut scratch = Scratch::default();
        blocks.zip(scores.chunks_mut(together)).for_each(|block| assign(&mut scratch, block));
    } else {
        let blocks = vectors.par_chunks(together * stride).zip(rows.par_chunks_mut(together));
        blocks.zip(scores.par_chunks_mut(together)).for_each_init(Scratch::default, assign);
    }
    (rows, scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn floats(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn whole(vectors: &[f32], d: usize) -> Parts<'_> {
        Parts { vectors, stride: d, start: 0 }
    }

    #[test]
    fn parts_are_assigned_as_if_cut_out() {
        for n in [1, 5, 3000] {
            let (rows, vectors, stride, d) = (floats(50 * 9, 1), floats(n * 23, 2), 23, 9);
            let panels = Panels::new(&rows, d);
            for start in [0, 3, 14] {
                let cut: Vec<f32> =
                    vectors.chunks(stride).flat_map(|row| &row[start..start + d]).copied().collect();
                let found = nearest_in_panels(&panels, Parts { vectors: &vectors, stride, start });
                assert_eq!(found, nearest_in_panels(&panels, whole(&cut, d)), "{n} {start}");
            }
        }
    }

    #[test]
    fn no_row_is_nearer_than_the_one_found() {
        for (n, k, d) in [(0, 3, 2), (1, 1, 1), (7, 16, 8), (1000, 100, 9), (25, 513, 64), (2000, 17, 64)] {
            let (rows, vectors) = (floats(k * d, 1), floats(n * d, 2));
            let (found, scores) = nearest_in_panels(&Panels::new(&rows, d), whole(&vectors, d));
            assert_eq!((found.len(), scores.len()), (n, n));
            for ((vector, &row), &score) in vectors.chunks_exact(d).zip(&found).zip(&scores) {
                let exact = |row: &[f32]| -> f64 {
                    let pairs = vector.iter().zip(row).map(|(&x, &c)| (f64::from(x), f64::from(c)));
                    pairs.map(|(x, c)| c * c - 2.0 * x * c).sum()
                };
                let least = rows.chunks_exact(d).map(exact).fold(f64::INFINITY, f64::min);
                let tolerance = 3.0 * d as f64 * d as f64 * f64::from(f32::EPSILON);
                assert!((exact(&rows[row as usize * d..][..d]) - least).abs() <= tolerance, "{n} {k} {d}");
                assert!((f64::from(score) - least).abs() <= tolerance, "{n} {k} {d}");
            }
        }
    }

    #[test]
    fn equals_go_to_the_first() {
        let rows = floats(5 * 8, 1).repeat(20);
        let (found, _) = nearest_in_panels(&Panels::new(&rows, 8), whole(&rows, 8));
        assert!(found.iter().enumerate().all(|(i, &row)| row as usize == i % 5));
    }
}
