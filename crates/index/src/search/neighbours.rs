//! Search results: nearest neighbours, and all neighbours within a radius.

use super::candidates::Candidate;
use crate::{
    error::{Error, Result},
    metric::Metric,
};

/// Id of a missing neighbour, if fewer than `k` vectors were compared.
pub(crate) const MISSING: i64 = -1;

/// The `k` nearest vectors of each of `n` queries, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Number of neighbours per query.
    pub k: usize,
    /// Distances `[n, k]`: squared L2, ascending, or inner products, descending. A missing neighbour has the
    /// largest or the lowest finite value.
    pub distances: Vec<f32>,
    /// Ids `[n, k]`; -1 for missing neighbours.
    pub ids: Vec<i64>,
}

/// Largest number of results of one search, 3 GiB at 12 bytes each; larger requests are assumed to be
/// mistakes.
const MAX_RESULTS: usize = 1 << 28;

impl Neighbours {
    /// Creates `n * k` missing neighbours.
    ///
    /// # Errors
    /// `k` is 0, or the result does not fit in memory.
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

    /// Writes the candidates of the queries from `first` on, nearest first, over missing neighbours.
    pub(crate) fn fill(&mut self, first: usize, metric: Metric, found: &[Vec<Candidate>]) {
        let start = first * self.k;
        let rows = self.distances[start..].chunks_mut(self.k).zip(self.ids[start..].chunks_mut(self.k));
        for (candidates, (distances, ids)) in found.iter().zip(rows) {
            write_row(metric, candidates, distances, ids);
        }
    }

    /// Ids of one query, nearest first: `[k]`.
    ///
    /// # Panics
    /// `query` is out of range.
    pub fn ids_of(&self, query: usize) -> &[i64] {
        &self.ids[query * self.k..(query + 1) * self.k]
    }

    /// Returns true if an id occurs twice for some query.
    pub(crate) fn repeat(&self) -> bool {
        self.ids.chunks_exact(self.k).any(|ids| {
            let mut found: Vec<i64> = ids.iter().copied().filter(|&id| id != MISSING).collect();
            found.sort_unstable();
            found.windows(2).any(|pair| pair[0] == pair[1])
        })
    }

    /// Distances of one query, nearest first: `[k]`.
    ///
    /// # Panics
    /// `query` is out of range.
    pub fn distances_of(&self, query: usize) -> &[f32] {
        &self.distances[query * self.k..(query + 1) * self.k]
    }
}

/// All vectors within a radius of each of `n` queries.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeNeighbours {
    /// Limits `[n + 1]`: the results of query `i` are `limits[i]..limits[i + 1]`.
    pub limits: Vec<usize>,
    /// Distances `[limits[n]]`: squared L2 or inner products, nearest first within a query.
    pub distances: Vec<f32>,
    /// Ids `[limits[n]]`.
    pub ids: Vec<i64>,
}

impl RangeNeighbours {
    /// Concatenates each query's candidates, nearest first.
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

/// Writes candidates, nearest first, over the first missing neighbours of one query.
pub(crate) fn write_row(metric: Metric, candidates: &[Candidate], distances: &mut [f32], ids: &mut [i64]) {
    for ((candidate, distance), id) in candidates.iter().zip(distances).zip(ids) {
        *distance = metric.distance_of(candidate.key);
        *id = candidate.id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(key: f32, id: i64) -> Candidate {
        Candidate { key, id }
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
