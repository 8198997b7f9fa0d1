//! Collector of many nearest candidates.

use super::candidates::{Candidate, Gather};

/// The `k` nearest of the candidates pushed so far, in the order of pushing.
///
/// Up to `4 k` are kept and then reduced to `k`, as in faiss's `ReservoirTopN`, so that one costs a few comparisons where a
/// heap of a hundred costs seven levels. The order is that of the lists in memory, in which entries are read fastest.
pub(crate) struct Reservoir {
    k: usize,
    candidates: Vec<Candidate>,
    threshold: f32,
    /// Buffer of [`Self::reduce`].
    keys: Vec<f32>,
}

impl Reservoir {
    /// Creates a collector of `k` candidates.
    pub fn new(k: usize) -> Self {
        Self { k, candidates: Vec::new(), threshold: f32::INFINITY, keys: Vec::new() }
    }

    /// Keeps the `k` nearest; of those at the same distance, the ones with the smallest ids.
    fn reduce(&mut self) {
        let Self { k, candidates, threshold, keys } = self;
        if candidates.len() <= *k {
            return;
        }
        let Some(last) = k.checked_sub(1) else { return candidates.clear() };
        keys.clear();
        keys.extend(candidates.iter().map(|candidate| candidate.key));
        let (_, &mut key, _) = keys.select_nth_unstable_by(last, f32::total_cmp);
        *threshold = key;
        let nearer = candidates.iter().filter(|candidate| candidate.key.total_cmp(&key).is_lt()).count();
        let mut ties: Vec<i64> = candidates
            .iter()
            .filter(|candidate| candidate.key.total_cmp(&key).is_eq())
            .map(|candidate| candidate.id)
            .collect();
        ties.sort_unstable();
        let last = Candidate { key, id: ties[*k - nearer - 1] };
        candidates.retain(|candidate| *candidate <= last);
    }
}

impl Gather for Reservoir {
    fn threshold(&self) -> f32 {
        self.threshold
    }

    fn push(&mut self, candidate: Candidate) {
        if candidate.key > self.threshold {
            return;
        }
        self.candidates.push(candidate);
        if self.candidates.len() == 4 * self.k.max(1) {
            self.reduce();
        }
    }

    fn into_found(mut self) -> Vec<Candidate> {
        self.reduce();
        self.candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_kept_in_the_order_of_pushing() {
        let mut state = 1u64;
        for (k, n) in [(0, 9), (1, 40), (10, 10), (64, 127), (64, 128), (65, 1000), (100, 30), (100, 5000)] {
            let (mut all, mut reservoir) = (Vec::new(), Reservoir::new(k));
            for id in 0..n {
                // A generator of Knuth's; few different keys, so that ids decide between many.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let next = Candidate { key: (state >> 58) as f32, id: n - id };
                all.push(next);
                if next.key <= reservoir.threshold() {
                    reservoir.push(next);
                }
            }
            let mut nearest = all.clone();
            nearest.sort();
            nearest.truncate(k);
            all.retain(|candidate| nearest.contains(candidate));
            assert_eq!(reservoir.into_found(), all, "{k} of {n}");
        }
    }
}
