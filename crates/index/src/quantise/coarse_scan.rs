//! Exact nearest centroids of a query, filtered by int8 products.
//!
//! An approximate int8 product of a centroid with the query takes a quarter of the bytes and multiplications
//! of the f32 product, and its error has a rigorous bound (see [`Int8Panels`]). The centroids with the best
//! bounds are scored in f32, then all others whose lower bound does not exceed the `nprobe`-th best score.
//! The result equals that of scoring all centroids for any data; where int8 cannot separate centroids the
//! scan is only slower.

use std::{cmp::Ordering, collections::BinaryHeap, sync::Arc};

use rayon::prelude::*;
use simd::Level;

use crate::{
    kernels::{self, BoundTerms, BoundWeights, Form, Int8Panels, Int8Queries},
    metric::Metric,
};

/// Range of norms for which the bounds neither overflow nor vanish in f32. Queries outside the range, or any
/// query if a centroid's norm is above it, are scored without bounds.
const NORMS: std::ops::RangeInclusive<f32> = 1e-15..=1e18;

/// Queries of a register tile; blocks are multiples of it.
const TILE: usize = 12;
/// Most queries in a block.
const MOST_QUERIES: usize = 8 * TILE;
/// Bytes of the products of one block, to fit the second-level cache.
const PRODUCT_BYTES: usize = 768 << 10;
/// Centroids prefetched ahead of the one being scored, because they are scattered in memory.
const AHEAD: usize = 2;
/// Multiply-adds below which waking other threads costs more than it saves.
const FEW_PRODUCTS: usize = 1 << 23;

/// Cell to visit, ordered by score and then by index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probe {
    pub cell: usize,
    /// `|q - c|^2`, or `-q.c` for the inner product; smaller is nearer. Infinite instead of NaN.
    pub score: f32,
}

impl Probe {
    /// Placeholder for a missing cell.
    pub const NONE: Self = Self { cell: usize::MAX, score: f32::INFINITY };
}

impl Eq for Probe {}

impl Ord for Probe {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(self.cell.cmp(&other.cell))
    }
}

impl PartialOrd for Probe {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Centroids of a coarse quantiser, prepared for searches.
#[derive(Debug, Clone)]
pub(crate) struct CoarseScan {
    /// Centroids, `[k, d]`.
    centroids: Arc<Vec<f32>>,
    d: usize,
    metric: Metric,
    level: Level,
    /// `None` if the dimension or the norms do not permit int8, and at the scalar level, where int8 products
    /// run at a fifth of the speed of f32.
    filter: Option<Filter>,
}

#[derive(Debug, Clone)]
struct Filter {
    panels: Int8Panels,
    /// Weights of a squared norm and of a product in a lower bound.
    norm_weight: f32,
    product_weight: f32,
    /// `[k]`: constant term of each centroid's lower bound.
    base: Vec<f32>,
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    /// `[n, k]`
    products: Vec<i32>,
    /// `[k]`
    bounds: Vec<f32>,
    /// `[minima_of(k)]`, or `[k]` if more probes are requested.
    minima: Vec<f32>,
    hits: Vec<u32>,
}

impl CoarseScan {
    /// Prepares at least one centroid, `[k, d]`.
    pub fn new(centroids: Arc<Vec<f32>>, d: usize, metric: Metric) -> Self {
        let level = Level::detected();
        let filter = if level > Level::SCALAR { Filter::new(&centroids, d, metric) } else { None };
        Self { centroids, d, metric, level, filter }
    }

    /// Number of centroids.
    pub fn k(&self) -> usize {
        self.centroids.len() / self.d
    }

    /// Nearest centroid of each of the queries `[n, d]`, the first of equals, and its score.
    pub fn nearest(&self, queries: &[f32]) -> (Vec<i64>, Vec<f32>) {
        let probes = self.probes(queries, 1);
        probes.iter().map(|probe| (probe.cell as i64, probe.score)).unzip()
    }

    /// The `nprobe` nearest centroids, at most `k`, of each of the queries `[n, d]`: `[n, min(nprobe, k)]`,
    /// ascending by score and then by cell.
    pub fn probes(&self, queries: &[f32], nprobe: usize) -> Vec<Probe> {
        let (n, nprobe) = (queries.len() / self.d, nprobe.min(self.k()));
        if n == 0 || nprobe == 0 {
            return Vec::new();
        }
        let mut probes = vec![Probe { cell: 0, score: 0.0 }; n * nprobe];
        if n * self.centroids.len() < FEW_PRODUCTS {
            self.probes_of_block(queries, nprobe, &mut Scratch::default(), &mut probes);
            return probes;
        }
        let rows = self.queries_together().min(n.div_ceil(rayon::current_num_threads()));
        let blocks = queries.par_chunks(rows * self.d).zip(probes.par_chunks_mut(rows * nprobe));
        blocks.for_each_init(Scratch::default, |scratch, (queries, probes)| {
            self.probes_of_block(queries, nprobe, scratch, probes);
        });
        probes
    }

    fn queries_together(&self) -> usize {
        let fitting = PRODUCT_BYTES / (self.k() * size_of::<i32>());
        (fitting / TILE * TILE).clamp(TILE, MOST_QUERIES)
    }

    /// Probes of the queries `[n, d]` into `out` `[n, nprobe]`, on this thread.
    fn probes_of_block(&self, queries: &[f32], nprobe: usize, scratch: &mut Scratch, out: &mut [Probe]) {
        let rows = queries.chunks_exact(self.d).zip(out.chunks_exact_mut(nprobe));
        let Some(filter) = &self.filter else {
            rows.for_each(|(query, out)| self.probes_by_all(query, scratch, out));
            return;
        };
        let quantised = Int8Queries::new(self.level, queries, self.d);
        filter.products(self.level, &quantised, &mut scratch.products);
        for (i, (query, out)) in rows.enumerate() {
            if NORMS.contains(&quantised.norms[i]) {
                filter.bounds(self.level, &quantised, i, scratch);
                self.probes_by_bounds(query, scratch, out);
            } else {
                self.probes_by_all(query, scratch, out);
            }
        }
    }

    /// Scores every centroid.
    fn probes_by_all(&self, query: &[f32], scratch: &mut Scratch, out: &mut [Probe]) {
        let scores = &mut scratch.bounds;
        scores.resize(self.k(), 0.0);
        kernels::many(self.level, self.form(), query, &self.centroids, scores);
        let mut best = BinaryHeap::with_capacity(out.len() + 1);
        for (cell, &value) in scores.iter().enumerate() {
            keep(&mut best, out.len(), Probe { cell, score: self.score_of(value) });
        }
        write_sorted(best, out);
    }

    /// Scores the centroids whose bounds permit them to be among the best.
    fn probes_by_bounds(&self, query: &[f32], scratch: &mut Scratch, out: &mut [Probe]) {
        let Scratch { bounds, minima, hits, .. } = scratch;
        let nprobe = out.len();
        if nprobe > minima.len() {
            minima.clone_from(bounds);
        }
        // Each minimum is the bound of a different centroid, so at least `nprobe` bounds do not exceed this.
        let (_, &mut first, _) = minima.select_nth_unstable_by(nprobe - 1, f32::total_cmp);
        hits.clear();
        kernels::below(self.level, bounds, first, hits);
        let mut best = BinaryHeap::with_capacity(nprobe + 1);
        self.score_hits(query, hits, |_, _| true, nprobe, &mut best);
        if worst(&best) > first {
            hits.clear();
            kernels::below(self.level, bounds, worst(&best), hits);
            hits.retain(|&cell| bounds[cell as usize] > first);
            self.score_hits(query, hits, |cell, worst| bounds[cell] <= worst, nprobe, &mut best);
        }
        write_sorted(best, out);
    }

    /// Scores the cells that may still be among the best, given the worst one kept, and keeps the `most`
    /// best.
    fn score_hits(
        &self,
        query: &[f32],
        hits: &[u32],
        may_be: impl Fn(usize, f32) -> bool,
        most: usize,
        best: &mut BinaryHeap<Probe>,
    ) {
        for (i, &cell) in hits.iter().enumerate() {
            if let Some(&ahead) = hits.get(i + AHEAD) {
                kernels::prefetch(self.centroid(ahead as usize));
            }
            if may_be(cell as usize, worst(best)) {
                keep(best, most, self.probe(query, cell as usize));
            }
        }
    }

    fn centroid(&self, cell: usize) -> &[f32] {
        &self.centroids[cell * self.d..][..self.d]
    }

    fn probe(&self, query: &[f32], cell: usize) -> Probe {
        let centroid = self.centroid(cell);
        Probe { cell, score: self.score_of(kernels::one(self.level, self.form(), query, centroid)) }
    }

    fn form(&self) -> Form {
        match self.metric {
            Metric::L2 => Form::SquaredL2,
            Metric::InnerProduct => Form::InnerProduct,
        }
    }

    fn score_of(&self, value: f32) -> f32 {
        if value.is_nan() { f32::INFINITY } else { self.metric.key(value) }
    }
}

impl Filter {
    fn new(centroids: &[f32], d: usize, metric: Metric) -> Option<Self> {
        let panels = Int8Panels::new(centroids, d)?;
        let largest = NORMS.end() * NORMS.end();
        let usable = panels.squared_norms.iter().all(|norm| *norm <= largest);
        let (norm_weight, product_weight) = match metric {
            Metric::L2 => (1.0 - slack(d), 2.0),
            Metric::InnerProduct => (-slack(d), 1.0),
        };
        let base = panels.squared_norms.iter().map(|norm| norm * norm_weight).collect();
        usable.then_some(Self { panels, norm_weight, product_weight, base })
    }

    /// Products of all queries with all centroids.
    fn products(&self, level: Level, queries: &Int8Queries, products: &mut Vec<i32>) {
        products.resize(queries.n() * self.panels.k(), 0);
        self.panels.products(level, queries, products);
    }

    /// Lower bounds of query `i` from its products.
    fn bounds(&self, level: Level, queries: &Int8Queries, i: usize, scratch: &mut Scratch) {
        let (panels, k) = (&self.panels, self.panels.k());
        let terms = BoundTerms {
            products: &scratch.products[i * k..][..k],
            scales: &panels.scales,
            base: &self.base,
            code_norms: &panels.code_norms,
            error_norms: &panels.error_norms,
        };
        let weights = BoundWeights {
            offset: self.norm_weight * queries.squared_norms[i],
            product: self.product_weight * queries.scales[i],
            code_norm: self.product_weight * queries.error_norms[i],
            error_norm: self.product_weight * queries.norms[i],
        };
        scratch.bounds.resize(k, 0.0);
        scratch.minima.resize(kernels::minima_of(k), 0.0);
        kernels::lower_bounds(level, terms, weights, &mut scratch.bounds, &mut scratch.minima);
    }
}

/// Bound on all f32 roundings, relative to `|q|^2 + |c|^2`.
///
/// With `u` = 2^-24: a score of `d` terms is off by `(d + 3) u` of its `|q - c|^2` or `|q| |c|`, at most
/// twice those norms; a bound is a sum of five terms, none above 10 times the norms, and off by less than
/// `120 u`.
fn slack(d: usize) -> f32 {
    (d + 64) as f32 * f32::EPSILON
}

/// Adds a probe and keeps the `most` best.
fn keep(best: &mut BinaryHeap<Probe>, most: usize, probe: Probe) {
    if best.len() < most {
        best.push(probe);
    } else if best.peek().is_some_and(|worst| probe < *worst) {
        best.pop();
        best.push(probe);
    }
}

fn worst(best: &BinaryHeap<Probe>) -> f32 {
    best.peek().map_or(f32::INFINITY, |probe| probe.score)
}

fn write_sorted(best: BinaryHeap<Probe>, out: &mut [Probe]) {
    out.iter_mut().zip(best.into_sorted_vec()).for_each(|(out, probe)| *out = probe);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const METRICS: [Metric; 2] = [Metric::L2, Metric::InnerProduct];

    fn floats(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Scores every centroid with the same function at the scalar level.
    fn brute_force(
        centroids: &[f32],
        d: usize,
        metric: Metric,
        queries: &[f32],
        nprobe: usize,
    ) -> Vec<Probe> {
        let score = |query: &[f32], centroid: &[f32]| match metric {
            Metric::L2 => kernels::one(Level::SCALAR, Form::SquaredL2, query, centroid),
            Metric::InnerProduct => -kernels::one(Level::SCALAR, Form::InnerProduct, query, centroid),
        };
        let mut out = Vec::new();
        for query in queries.chunks_exact(d) {
            let scores = centroids.chunks_exact(d).map(|centroid| score(query, centroid));
            let finite = scores.map(|score| if score.is_nan() { f32::INFINITY } else { score });
            let mut probes: Vec<_> = finite.enumerate().map(|(cell, score)| Probe { cell, score }).collect();
            probes.sort();
            out.extend(probes.into_iter().take(nprobe));
        }
        out
    }

    fn check(what: &str, centroids: &[f32], d: usize, queries: &[f32]) {
        for metric in METRICS {
            for level in Level::available() {
                let scan = CoarseScan { level, ..CoarseScan::new(Arc::new(centroids.to_vec()), d, metric) };
                for nprobe in [1, 2, 16, 33, scan.k()] {
                    let expected = brute_force(centroids, d, metric, queries, nprobe);
                    assert_eq!(
                        scan.probes(queries, nprobe),
                        expected,
                        "{what}, {metric}, {level:?}, {nprobe}"
                    );
                }
                let one = scan.probes(&queries[..d], 5);
                assert_eq!(one, brute_force(centroids, d, metric, &queries[..d], 5), "{what}");
            }
        }
    }

    /// Centroids and queries scattered around a few points.
    fn clustered(k: usize, n: usize, d: usize, spread: f32) -> (Vec<f32>, Vec<f32>) {
        let (points, noise) = (floats(7 * d, 1), floats((k + n) * d, 2));
        let value = |i: usize| points[i / d % 7 * d + i % d] + spread * noise[i];
        ((0..k * d).map(value).collect(), (k * d..(k + n) * d).map(value).collect())
    }

    #[test]
    fn probes_are_those_of_brute_force() {
        for (k, d) in [(1, 1), (5, 3), (16, 16), (100, 17), (300, 64), (777, 31)] {
            check("uniform", &floats(k * d, 1), d, &floats(29 * d, 2));
        }
    }

    #[test]
    fn clusters_denser_than_int8_resolves_are_exact() {
        for spread in [0.3, 1e-3, 1e-6] {
            let (centroids, queries) = clustered(400, 15, 48, spread);
            check("clustered", &centroids, 48, &queries);
        }
    }

    #[test]
    fn duplicates_come_in_the_order_of_their_cells() {
        let centroids = floats(4 * 20, 1).repeat(30);
        check("duplicates", &centroids, 20, &centroids[..6 * 20]);
        check("all the same", &[0.5; 20 * 50], 20, &floats(3 * 20, 2));
    }

    #[test]
    fn extreme_norms_are_exact() {
        for scale in [0.0, 1e-44, 1e-30, 1e-14, 1e12, 1e17, 1e19, 3e37] {
            let scaled = |values: Vec<f32>| values.iter().map(|x| x * scale).collect::<Vec<_>>();
            let (centroids, queries) = (floats(120 * 24, 1), floats(9 * 24, 2));
            check("centroids", &scaled(centroids.clone()), 24, &queries);
            check("queries", &centroids, 24, &scaled(queries.clone()));
            check("both", &scaled(centroids), 24, &scaled(queries));
        }
    }

    #[test]
    fn single_large_components_are_exact() {
        let (mut centroids, mut queries) = (floats(200 * 33, 1), floats(9 * 33, 2));
        centroids.iter_mut().step_by(33).for_each(|x| *x = 1e4);
        check("spiked centroids", &centroids, 33, &queries);
        queries.iter_mut().skip(5).step_by(33).for_each(|x| *x = -1e6);
        check("spiked both", &centroids, 33, &queries);
    }

    #[test]
    fn the_nearest_are_the_first_probes() {
        let (centroids, queries) = clustered(200, 100, 16, 0.5);
        let scan = CoarseScan::new(Arc::new(centroids.clone()), 16, Metric::L2);
        let (cells, scores) = scan.nearest(&queries);
        let expected = brute_force(&centroids, 16, Metric::L2, &queries, 1);
        assert!(expected.iter().map(|probe| probe.cell as i64).eq(cells));
        assert!(expected.iter().map(|probe| probe.score).eq(scores));
        assert!(scan.probes(&[], 3).is_empty() && scan.probes(&queries, 0).is_empty());
    }
}
