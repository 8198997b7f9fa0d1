//! Candidates of a search, and collectors of the nearest.

use std::{cmp::Ordering, collections::BinaryHeap};

/// Candidate of a search, ordered by key and then by id.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Sort key, see [`crate::Metric::key`]; smaller is nearer.
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

/// Collector of candidates.
pub(crate) trait Gather {
    /// Largest key that may still be accepted; candidates with larger keys or NaN need not be pushed.
    fn threshold(&self) -> f32;

    fn push(&mut self, candidate: Candidate);

    /// The candidates kept, nearest first unless the collector says otherwise.
    fn into_found(self) -> Vec<Candidate>;
}

/// The `k` nearest of the candidates pushed so far.
pub(crate) struct TopK {
    k: usize,
    heap: BinaryHeap<Candidate>,
}

impl TopK {
    /// Creates a collector of `k` candidates, at most the number of entries.
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

    fn into_found(self) -> Vec<Candidate> {
        // Faster than the heap's own way.
        let mut sorted = self.heap.into_vec();
        sorted.sort_unstable();
        sorted
    }
}

/// All candidates with keys below a radius.
pub(crate) struct Within {
    radius: f32,
    found: Vec<Candidate>,
}

impl Within {
    /// Creates a collector of keys below `radius`, exclusive as in faiss's range search.
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

    fn into_found(mut self) -> Vec<Candidate> {
        self.found.sort_unstable();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(key: f32, id: i64) -> Candidate {
        Candidate { key, id }
    }

    #[test]
    fn top_k_keeps_the_nearest_in_any_order_of_pushing() {
        let keys = [5.0, 1.0, 4.0, 1.0, 3.0, 2.0];
        let mut top = TopK::new(3);
        keys.iter().zip([0, 1, 2, 3, 4, 5]).rev().for_each(|(&key, id)| top.push(candidate(key, id)));
        assert_eq!(top.threshold(), 2.0);
        let kept: Vec<(f32, i64)> = top.into_found().iter().map(|c| (c.key, c.id)).collect();
        assert_eq!(kept, [(1.0, 1), (1.0, 3), (2.0, 5)]);
    }

    #[test]
    fn with_k_of_0_nothing_is_kept() {
        let mut top = TopK::new(0);
        top.push(candidate(1.0, 1));
        assert!(top.into_found().is_empty());
    }
}
