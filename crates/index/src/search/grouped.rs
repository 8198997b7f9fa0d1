//! Results of several queries as one, such as views of one object.

use std::{cmp::Ordering, collections::HashSet, ops::Range};

use super::{
    candidates::Candidate,
    neighbours::{MISSING, Neighbours, RangeNeighbours, write_row},
};
use crate::metric::Metric;

impl Neighbours {
    /// Results of each group of queries: the `k` nearest entries, each at its least distance from any of them. `metric` is
    /// that of the index that was searched.
    ///
    /// # Panics
    /// A group is out of range.
    ///
    /// ```
    /// use active_index_index::{Metric, Neighbours};
    ///
    /// let found = Neighbours { k: 2, distances: vec![0.5, 0.75, 0.25, 1.0], ids: vec![7, 8, 8, 9] };
    /// let both = found.grouped(&[0..2], Metric::L2);
    /// assert_eq!((both.ids, both.distances), (vec![8, 7], vec![0.25, 0.5]));
    /// ```
    pub fn grouped(&self, groups: &[Range<usize>], metric: Metric) -> Self {
        let n = groups.len() * self.k;
        let mut merged = Self { k: self.k, distances: vec![metric.worst(); n], ids: vec![MISSING; n] };
        let rows = merged.distances.chunks_mut(self.k).zip(merged.ids.chunks_mut(self.k));
        for (group, (distances, ids)) in groups.iter().zip(rows) {
            let all = group.clone().flat_map(|query| self.ids_of(query).iter().zip(self.distances_of(query)));
            let found = all.filter(|(id, _)| **id != MISSING);
            write_row(metric, &nearest(found, metric), distances, ids);
        }
        merged
    }
}

impl RangeNeighbours {
    /// Results of each group of queries: the entries found for any of them, each at its least distance. `metric` is that of
    /// the index that was searched.
    ///
    /// # Panics
    /// A group is out of range.
    pub fn grouped(&self, groups: &[Range<usize>], metric: Metric) -> Self {
        let merged = |group: &Range<usize>| {
            let results = self.limits[group.start]..self.limits[group.end];
            nearest(self.ids[results.clone()].iter().zip(&self.distances[results]), metric)
        };
        Self::new(metric, groups.iter().map(merged).collect())
    }
}

/// Entries by their least distance, nearest first; equal ones stay in their order.
fn nearest<'a>(found: impl Iterator<Item = (&'a i64, &'a f32)>, metric: Metric) -> Vec<Candidate> {
    let candidate = |(id, distance): (&i64, &f32)| Candidate { key: metric.key(*distance), id: *id };
    let mut all: Vec<Candidate> = found.map(candidate).collect();
    all.sort_by(|a, b| a.key.partial_cmp(&b.key).unwrap_or(Ordering::Equal));
    let mut seen = HashSet::new();
    all.retain(|candidate| seen.insert(candidate.id));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three queries of four neighbours; the last has two.
    fn found(metric: Metric) -> Neighbours {
        let keys = [1.0, 2.0, 2.0, 5.0, 0.5, 3.0, 4.0, 6.0, 2.0, 7.0, f32::MAX, f32::MAX];
        let distances = keys.map(|key| metric.distance_of(key)).into();
        Neighbours { k: 4, distances, ids: vec![10, 20, 30, 40, 30, 20, 50, 10, 60, 50, MISSING, MISSING] }
    }

    #[test]
    fn a_group_of_one_is_the_query_itself() {
        for metric in [Metric::L2, Metric::InnerProduct] {
            assert_eq!(found(metric).grouped(&[0..1, 1..2, 2..3], metric), found(metric));
        }
    }

    /// Every entry once, at the least distance among all, by the definition.
    #[test]
    fn groups_hold_the_nearest_of_all_their_queries() {
        for metric in [Metric::L2, Metric::InnerProduct] {
            let both = found(metric).grouped(&[0..3, 2..3, 1..1], metric);
            assert_eq!(both.ids_of(0), [30, 10, 20, 60]);
            let keys = both.distances_of(0).iter().map(|distance| metric.key(*distance));
            assert_eq!(keys.collect::<Vec<_>>(), [0.5, 1.0, 2.0, 2.0]);
            assert_eq!(both.ids_of(1), [60, 50, MISSING, MISSING]);
            assert_eq!(both.ids_of(2), [MISSING; 4]);
        }
    }

    #[test]
    fn ranges_hold_every_entry_once() {
        let ids = vec![10, 20, 20, 30, 10];
        let range =
            RangeNeighbours { limits: vec![0, 2, 4, 5], distances: vec![1.0, 2.0, 0.5, 3.0, 4.0], ids };
        let merged = range.grouped(&[0..2, 2..3, 0..0], Metric::L2);
        assert_eq!(merged.limits, [0, 3, 4, 4]);
        assert_eq!((merged.ids, merged.distances), (vec![20, 10, 30, 10], vec![0.5, 1.0, 3.0, 4.0]));
    }
}
