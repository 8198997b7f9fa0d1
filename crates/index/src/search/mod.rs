//! Search results, and what gathers them.

pub(crate) mod device;

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashSet},
};

use crate::{
    Error, Metric, Result,
    kernels::{Level, below},
    quantise::codec::Scanner,
    vectors::Vectors,
};

pub use device::DeviceNeighbours;

/// Id of a neighbour that does not exist, where fewer than `k` vectors were visited.
pub(crate) const MISSING: i64 = -1;

/// Queries whose cells are looked up before any of them is visited: 4 MB of [`crate::quantise::coarse_scan::Probe`]s at 64 a query.
pub(crate) const QUERY_BLOCK: usize = 4096;

/// Codes scored at once.
const BLOCK: usize = 256;

/// The `k` nearest vectors of each of `n` queries, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Neighbours of one query.
    pub k: usize,
    /// `[n, k]`: squared L2 distances, ascending, or inner products, descending. A missing neighbour has the
    /// largest or the lowest finite value.
    pub distances: Vec<f32>,
    /// `[n, k]`: ids, -1 where there are fewer than `k` neighbours.
    pub ids: Vec<i64>,
}

/// Results of one search, at 12 bytes each: more are asked for by mistake.
const MAX_RESULTS: usize = 1 << 28;

impl Neighbours {
    /// `n * k` missing neighbours.
    ///
    /// # Errors
    /// `k` is 0, or the result would not fit in memory.
    pub(crate) fn missing(n: usize, k: usize, metric: Metric) -> Result<Self> {
        if k == 0 {
            return Err(Error::argument("k", "at least 1", k));
        }
        let too_large =
            || Error::argument("k", format!("small enough for {n} queries' results to fit in memory"), k);
        let size = n.checked_mul(k).filter(|&size| size <= MAX_RESULTS).ok_or_else(too_large)?;
        let (mut distances, mut ids) = (Vec::new(), Vec::new());
        distances.try_reserve_exact(size).map_err(|_| too_large())?;
        ids.try_reserve_exact(size).map_err(|_| too_large())?;
        distances.resize(size, metric.worst());
        ids.resize(size, MISSING);
        Ok(Self { k, distances, ids })
    }

    /// Puts the candidates of queries from number `first` on, nearest first, before the missing neighbours.
    pub(crate) fn fill(&mut self, first: usize, metric: Metric, found: &[Vec<Candidate>]) {
        let start = first * self.k;
        let rows = self.distances[start..].chunks_mut(self.k).zip(self.ids[start..].chunks_mut(self.k));
        for (candidates, (distances, ids)) in found.iter().zip(rows) {
            write_row(metric, candidates, distances, ids);
        }
    }

    /// Ids of one query, nearest first: `k` of them.
    ///
    /// # Panics
    /// Where there is no such query.
    pub fn ids_of(&self, query: usize) -> &[i64] {
        &self.ids[query * self.k..(query + 1) * self.k]
    }

    /// Whether a query found an id twice.
    pub(crate) fn repeat(&self) -> bool {
        self.ids.chunks_exact(self.k).any(|ids| {
            let mut found: Vec<i64> = ids.iter().copied().filter(|&id| id != MISSING).collect();
            found.sort_unstable();
            found.windows(2).any(|pair| pair[0] == pair[1])
        })
    }

    /// Distances of one query, nearest first: `k` of them.
    ///
    /// # Panics
    /// Where there is no such query.
    pub fn distances_of(&self, query: usize) -> &[f32] {
        &self.distances[query * self.k..(query + 1) * self.k]
    }
}

/// All vectors within a radius of each of `n` queries.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeNeighbours {
    /// `[n + 1]`: query `i` found `limits[i]..limits[i + 1]` of what follows.
    pub limits: Vec<usize>,
    /// `[limits[n]]`: squared L2 distances or inner products, nearest first within a query.
    pub distances: Vec<f32>,
    /// `[limits[n]]`.
    pub ids: Vec<i64>,
}

impl RangeNeighbours {
    /// `found` holds each query's candidates, nearest first.
    pub(crate) fn new(metric: Metric, found: Vec<Vec<Candidate>>) -> Self {
        let mut limits = vec![0];
        limits.extend(found.iter().scan(0, |end, candidates| {
            *end += candidates.len();
            Some(*end)
        }));
        let distances = found.iter().flatten().map(|candidate| metric.distance_of(candidate.key)).collect();
        let ids = found.iter().flatten().map(|candidate| candidate.id).collect();
        Self { limits, distances, ids }
    }
}

/// A vector met during a search, ordered by nearness; equally near ones by id.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// See [`Metric::key`]; smaller is nearer.
    pub key: f32,
    pub id: i64,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.total_cmp(&other.key).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a scan hands its finds to.
pub(crate) trait Gather {
    /// Candidates with greater keys, or with none (NaN), need not be pushed.
    fn threshold(&self) -> f32;

    fn push(&mut self, candidate: Candidate);

    /// The candidates kept, nearest first.
    fn into_sorted(self) -> Vec<Candidate>;
}

/// The nearest `k` of the candidates pushed so far.
pub(crate) struct TopK {
    k: usize,
    heap: BinaryHeap<Candidate>,
}

impl TopK {
    /// `k` is at most the number of vectors stored.
    pub fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k) }
    }
}

impl Gather for TopK {
    fn threshold(&self) -> f32 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() == self.k => worst.key,
            _ => f32::INFINITY,
        }
    }

    fn push(&mut self, candidate: Candidate) {
        if self.heap.len() < self.k {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    fn into_sorted(self) -> Vec<Candidate> {
        self.heap.into_sorted_vec()
    }
}

/// All candidates nearer than a key.
pub(crate) struct Within {
    radius: f32,
    found: Vec<Candidate>,
}

impl Within {
    /// `radius` is the sort key that candidates must stay below, as faiss's range search has it.
    pub fn new(radius: f32) -> Self {
        Self { radius, found: Vec::new() }
    }
}

impl Gather for Within {
    fn threshold(&self) -> f32 {
        self.radius
    }

    fn push(&mut self, candidate: Candidate) {
        if candidate.key < self.radius {
            self.found.push(candidate);
        }
    }

    fn into_sorted(mut self) -> Vec<Candidate> {
        self.found.sort_unstable();
        self.found
    }
}

/// What [`scan`] writes on the way.
#[derive(Default)]
pub(crate) struct ScanBuffers {
    /// Sort keys of a block.
    keys: Vec<f32>,
    /// Which of them may be near enough.
    hits: Vec<u32>,
}

/// Hands every code `[n, code_size]` that may be near enough to `gather`; `id` names entry `0..n`.
pub(crate) fn scan(
    scanner: &Scanner,
    buffers: &mut ScanBuffers,
    codes: &[u8],
    code_size: usize,
    id: impl Fn(usize) -> i64,
    gather: &mut impl Gather,
) {
    let ScanBuffers { keys, hits } = buffers;
    for (block, codes) in codes.chunks(BLOCK * code_size).enumerate() {
        keys.resize(codes.len() / code_size, 0.0);
        scanner.keys(codes, keys);
        hits.clear();
        below(Level::detected(), keys, gather.threshold(), hits);
        let mut threshold = gather.threshold();
        for &hit in hits.iter() {
            let key = keys[hit as usize];
            if key <= threshold {
                gather.push(Candidate { key, id: id(block * BLOCK + hit as usize) });
                threshold = gather.threshold();
            }
        }
    }
}

/// Leaves the nearest candidate of each id.
pub(crate) fn keep_distinct(row: &mut Vec<Candidate>) {
    let mut ids: Vec<i64> = row.iter().map(|candidate| candidate.id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        let mut seen = HashSet::with_capacity(row.len());
        row.retain(|candidate| seen.insert(candidate.id));
    }
}

/// The `keep` nearest of each query, nearest first, no id twice, of an index of `ntotal` entries in which `nearest` finds
/// entries. Where ids repeat among them, more are looked for.
pub(crate) fn distinct(
    queries: &Vectors,
    keep: usize,
    ntotal: usize,
    nearest: impl Fn(&Vectors, usize) -> Result<Vec<Vec<Candidate>>>,
) -> Result<Vec<Vec<Candidate>>> {
    let mut rows = nearest(queries, keep)?;
    let mut lacking = Vec::new();
    for (query, row) in rows.iter_mut().enumerate() {
        let was_full = row.len() == keep;
        keep_distinct(row);
        lacking.extend((was_full && row.len() < keep).then_some(query));
    }
    let mut k = keep;
    while !lacking.is_empty() && k < ntotal {
        k = k.saturating_mul(2).min(ntotal);
        let found = nearest(&queries.select(&lacking), k)?;
        let mut still = Vec::new();
        for (&query, mut row) in lacking.iter().zip(found) {
            let was_full = row.len() == k;
            keep_distinct(&mut row);
            still.extend((was_full && row.len() < keep).then_some(query));
            row.truncate(keep);
            rows[query] = row;
        }
        lacking = still;
    }
    Ok(rows)
}

/// Writes candidates, nearest first, over the front of one query's missing neighbours.
pub(crate) fn write_row(metric: Metric, candidates: &[Candidate], distances: &mut [f32], ids: &mut [i64]) {
    for ((candidate, distance), id) in candidates.iter().zip(distances).zip(ids) {
        *distance = metric.distance_of(candidate.key);
        *id = candidate.id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::codec::Codec;

    fn candidate(key: f32, id: i64) -> Candidate {
        Candidate { key, id }
    }

    #[test]
    fn top_k_keeps_the_nearest_whatever_the_order() {
        let keys = [5.0, 1.0, 4.0, 1.0, 3.0, 2.0];
        let mut top = TopK::new(3);
        keys.iter().zip([0, 1, 2, 3, 4, 5]).rev().for_each(|(&key, id)| top.push(candidate(key, id)));
        assert_eq!(top.threshold(), 2.0);
        let kept: Vec<(f32, i64)> = top.into_sorted().iter().map(|c| (c.key, c.id)).collect();
        assert_eq!(kept, [(1.0, 1), (1.0, 3), (2.0, 5)]);
    }

    #[test]
    fn an_empty_heap_takes_nothing() {
        let mut top = TopK::new(0);
        top.push(candidate(1.0, 1));
        assert!(top.into_sorted().is_empty());
    }

    #[test]
    fn keys_that_are_no_numbers_are_not_near() {
        let codes: Vec<u8> =
            [f32::NAN, 1.0, f32::NAN, 3.0, -1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let codec = Codec::Flat { d: 1 };
        let mut scanner = Scanner::new(&codec, Metric::L2);
        scanner.aim(&[0.0]);
        let (mut buffers, id) = (ScanBuffers::default(), |entry| entry as i64);
        let mut top = TopK::new(2);
        scan(&scanner, &mut buffers, &codes, 4, id, &mut top);
        assert_eq!(top.into_sorted(), [candidate(1.0, 1), candidate(1.0, 4)]);
        let mut within = Within::new(9.0);
        scan(&scanner, &mut buffers, &codes, 4, id, &mut within);
        assert_eq!(within.into_sorted(), [candidate(1.0, 1), candidate(1.0, 4)], "9 is not below 9");
    }

    #[test]
    fn an_id_is_kept_at_its_nearest() {
        let mut row: Vec<Candidate> =
            [(1.0, 4), (1.5, 2), (2.0, 4), (3.0, 7), (3.0, 2)].map(|(key, id)| candidate(key, id)).into();
        keep_distinct(&mut row);
        assert_eq!(row, [candidate(1.0, 4), candidate(1.5, 2), candidate(3.0, 7)]);
    }

    #[test]
    fn ranges_are_laid_end_to_end() {
        let found = vec![vec![candidate(-3.0, 7)], vec![], vec![candidate(-2.0, 1), candidate(-1.0, 2)]];
        let range = RangeNeighbours::new(Metric::InnerProduct, found);
        assert_eq!(range.limits, [0, 1, 1, 3]);
        assert_eq!((range.distances, range.ids), (vec![3.0, 2.0, 1.0], vec![7, 1, 2]));
    }

    #[test]
    fn absurd_sizes_are_errors() {
        assert!(Neighbours::missing(2, 0, Metric::L2).is_err());
        assert!(Neighbours::missing(2, usize::MAX, Metric::L2).is_err());
        assert!(Neighbours::missing(1, usize::MAX / 2, Metric::L2).is_err());
    }
}
