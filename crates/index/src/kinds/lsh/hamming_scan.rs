//! Exhaustive nearest-neighbour search of binary codes by Hamming distance.

use std::collections::BinaryHeap;

use rayon::prelude::*;
use simd::Level;

use crate::kernels::hamming::{Block, LANES, Nearer, words};

/// Bytes of codes compared with all queries while they are in the first-level cache.
const BLOCK_BYTES: usize = 24 << 10;

/// Queries per scan; bounds the memory of their heaps.
const QUERY_BLOCK: usize = 1024;

/// Least number of codes per part; the first codes in a heap cost more than the later ones.
const PART_CODES: usize = 1 << 14;

/// Parts per thread, for load balance.
const PARTS_PER_THREAD: usize = 4;

/// Stored code with its Hamming distance to a query, ordered by distance and then by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub distance: u64,
    /// Position among the codes.
    pub position: usize,
}

/// Stored codes, `[n, code_size]` bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub code_size: usize,
    pub bytes: &'a [u8],
}

impl Codes<'_> {
    fn len(self) -> usize {
        self.bytes.len() / self.code_size
    }

    /// The `k` nearest codes of every query (`[queries, code_size]` bytes), nearest first, ties in order of
    /// position; fewer if fewer are stored.
    pub fn nearest(self, level: Level, queries: &[u8], k: usize) -> Vec<Vec<Hit>> {
        let k = k.min(self.len());
        let blocks = queries.chunks(QUERY_BLOCK * self.code_size);
        blocks.flat_map(|queries| self.nearest_of_block(level, queries, k)).collect()
    }

    fn nearest_of_block(self, level: Level, queries: &[u8], k: usize) -> Vec<Vec<Hit>> {
        let queries: Vec<Vec<u64>> =
            queries.chunks_exact(self.code_size).map(|query| words(query).collect()).collect();
        let parts = match rayon::current_num_threads() {
            1 => 1,
            threads => threads * PARTS_PER_THREAD,
        };
        let part = self.len().div_ceil(parts).max(PART_CODES);
        let parts: Vec<Vec<Vec<Hit>>> = self
            .bytes
            .par_chunks(part * self.code_size)
            .enumerate()
            .map(|(number, bytes)| {
                let scan = PartScan { level, codes: Self { bytes, ..self }, first: number * part, k };
                scan.nearest(&queries)
            })
            .collect();
        (0..queries.len())
            .into_par_iter()
            .map(|query| merge(parts.iter().flat_map(|part| &part[query]).copied().collect(), k))
            .collect()
    }
}

fn merge(mut hits: Vec<Hit>, k: usize) -> Vec<Hit> {
    hits.sort_unstable();
    hits.truncate(k);
    hits
}

/// Scan of one part of the codes.
struct PartScan<'a> {
    level: Level,
    codes: Codes<'a>,
    /// Position of the part's first code.
    first: usize,
    k: usize,
}

impl PartScan<'_> {
    /// Nearest codes of the part for every query, unordered.
    fn nearest(&self, queries: &[Vec<u64>]) -> Vec<Vec<Hit>> {
        let code_size = self.codes.code_size;
        let mut heaps: Vec<Heap> = queries.iter().map(|_| Heap::new(self.k)).collect();
        let mut block = Block::new(code_size);
        let block_codes = (BLOCK_BYTES / code_size).next_multiple_of(LANES);
        for (number, bytes) in self.codes.bytes.chunks(block_codes * code_size).enumerate() {
            block.fill(bytes, code_size);
            let positions = self.first + number * block_codes;
            let end = positions + bytes.len() / code_size;
            for (heap, query) in heaps.iter_mut().zip(queries) {
                heap.scan(&block, self.level, query, positions..end);
            }
        }
        heaps.into_iter().map(|heap| heap.hits.into_vec()).collect()
    }
}

/// The `k` nearest codes so far.
struct Heap {
    k: usize,
    hits: BinaryHeap<Hit>,
    /// Only codes nearer than this are kept.
    limit: u64,
}

impl Heap {
    fn new(k: usize) -> Self {
        let limit = if k == 0 { 0 } else { u64::MAX };
        Self { k, hits: BinaryHeap::with_capacity(k), limit }
    }

    /// Offers a block of the codes at `positions`.
    fn scan(&mut self, block: &Block, level: Level, query: &[u64], positions: std::ops::Range<usize>) {
        let mut start = 0;
        while let Some(nearer) = block.find_nearer(level, query, start, self.limit) {
            start = nearer.group + 1;
            self.offer(&nearer, positions.clone());
        }
    }

    fn offer(&mut self, nearer: &Nearer, positions: std::ops::Range<usize>) {
        let codes = positions.skip(nearer.group * LANES).zip(nearer.distances);
        for (position, distance) in codes {
            if distance < self.limit {
                self.push(Hit { distance, position });
            }
        }
    }

    fn push(&mut self, hit: Hit) {
        if self.hits.len() == self.k {
            self.hits.pop();
        }
        self.hits.push(hit);
        if self.hits.len() == self.k
            && let Some(worst) = self.hits.peek()
        {
            self.limit = worst.distance;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;
    use rand::RngExt;

    fn bytes(n: usize, seed: u64) -> Vec<u8> {
        let mut rng = seeded(seed, 0);
        (0..n).map(|_| rng.random_range(0..=255)).collect()
    }

    fn sorted(codes: &[u8], query: &[u8]) -> Vec<Hit> {
        let differing =
            |code: &[u8]| code.iter().zip(query).map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        let mut hits: Vec<Hit> = codes
            .chunks(query.len())
            .enumerate()
            .map(|(position, code)| Hit { distance: differing(code), position })
            .collect();
        hits.sort_unstable();
        hits
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort_with_ties_by_position() {
        for (code_size, n, k) in [(1, 500, 40), (2, 40_000, 7), (9, 3_000, 1), (64, 1_000, 10), (8, 3, 10)] {
            let (codes, queries) = (bytes(n * code_size, 3), bytes(5 * code_size, 4));
            let found = Codes { code_size, bytes: &codes }.nearest(Level::detected(), &queries, k);
            for (query, found) in queries.chunks(code_size).zip(&found) {
                assert_eq!(found, &sorted(&codes, query)[..k.min(n)], "{code_size} bytes, {n} codes");
            }
        }
    }

    #[test]
    fn empty_codes_queries_or_k_give_no_hits() {
        let level = Level::detected();
        assert_eq!(Codes { code_size: 8, bytes: &[] }.nearest(level, &[0; 16], 3), vec![vec![]; 2]);
        assert_eq!(Codes { code_size: 8, bytes: &[1; 80] }.nearest(level, &[0; 8], 0), vec![vec![]]);
        assert!(Codes { code_size: 8, bytes: &[1; 80] }.nearest(level, &[], 3).is_empty());
    }
}
