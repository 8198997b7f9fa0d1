//! Search results and the bounded heap that gathers them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::{Error, Metric, Result};

/// Id of a neighbour that does not exist, where fewer than `k` vectors were visited.
pub(crate) const MISSING: i64 = -1;

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
    ///
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

    /// Ids of one query, nearest first: `k` of them.
    ///
    /// # Panics
    ///
    /// Where there is no such query.
    pub fn ids_of(&self, query: usize) -> &[i64] {
        &self.ids[query * self.k..(query + 1) * self.k]
    }

    /// Distances of one query, nearest first: `k` of them.
    ///
    /// # Panics
    ///
    /// Where there is no such query.
    pub fn distances_of(&self, query: usize) -> &[f32] {
        &self.distances[query * self.k..(query + 1) * self.k]
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

    pub fn push(&mut self, key: f32, id: i64) {
        let candidate = Candidate { key, id };
        if self.heap.len() < self.k {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    /// The candidates kept, nearest first.
    pub fn into_sorted(self) -> Vec<Candidate> {
        self.heap.into_sorted_vec()
    }
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

    #[test]
    fn top_k_keeps_the_nearest_whatever_the_order() {
        let keys = [5.0, 1.0, 4.0, 1.0, 3.0, 2.0];
        let mut top = TopK::new(3);
        keys.iter().zip(0..6u32).rev().for_each(|(&key, id)| top.push(key, id.into()));
        let kept: Vec<(f32, i64)> = top.into_sorted().iter().map(|c| (c.key, c.id)).collect();
        assert_eq!(kept, [(1.0, 1), (1.0, 3), (2.0, 5)]);
    }

    #[test]
    fn an_empty_heap_takes_nothing() {
        let mut top = TopK::new(0);
        top.push(1.0, 1);
        assert!(top.into_sorted().is_empty());
    }

    #[test]
    fn absurd_sizes_are_errors() {
        assert!(Neighbours::missing(2, 0, Metric::L2).is_err());
        assert!(Neighbours::missing(2, usize::MAX, Metric::L2).is_err());
        assert!(Neighbours::missing(1, usize::MAX / 2, Metric::L2).is_err());
    }
}
