//! The walk through the graph.

use super::{
    Hnsw, Points,
    queue::{Entry, Queue},
};
use crate::{Metric, Result};

/// Where an exploration begins and when it ends.
pub(super) struct Exploration {
    pub level: usize,
    /// A vertex on the level.
    pub start: usize,
    /// Vertices kept.
    pub capacity: usize,
    /// Ends before the neighbours of a vertex that has so many nearer ones in the queue.
    pub enough: usize,
}

impl Hnsw {
    /// The `k` centroids (of `[n, d]`) nearest to a query among those that the graph leads to, nearest first,
    /// with squared distances or inner products. Fewer than `k` where fewer were met.
    ///
    /// The result is that of faiss's search of `efSearch`, save for the order of equally near centroids. As
    /// there the queue holds `max(efSearch, k)` vertices, but `efSearch` alone ends the search.
    ///
    /// The graph must have passed [`Self::validate`] for as many points.
    ///
    /// # Errors
    /// The centroids are not as many as the vertices.
    pub fn search(
        &self,
        centroids: &[f32],
        metric: Metric,
        query: &[f32],
        k: usize,
    ) -> Result<Vec<(usize, f32)>> {
        let points = Points { metric, d: query.len(), values: centroids };
        self.check_points(&points)?;
        let Ok(mut nearest) = usize::try_from(self.entry_point) else {
            return Ok(Vec::new());
        };
        for level in (1..=self.max_level.max(0) as usize).rev() {
            nearest = self.descend(&points, query, level, nearest);
        }
        let enough = self.ef_search.max(0) as usize;
        // No more vertices than there are will be met.
        let capacity = enough.max(k).min(points.len());
        let entries =
            self.explore(&points, query, Exploration { level: 0, start: nearest, capacity, enough });
        let distance = |entry: &Entry| (entry.vertex, metric.distance_of(entry.key));
        Ok(entries.iter().take(k).map(distance).collect())
    }

    /// The vertex that no neighbour on the level is nearer than, walking from `nearest`.
    pub(super) fn descend(&self, points: &Points, query: &[f32], level: usize, mut nearest: usize) -> usize {
        let mut nearest_key = points.key(query, nearest);
        loop {
            let before = nearest;
            for neighbour in self.neighbours(before, level) {
                let key = points.key(query, neighbour);
                if key < nearest_key {
                    (nearest, nearest_key) = (neighbour, key);
                }
            }
            if nearest == before {
                return nearest;
            }
        }
    }

    /// The nearest vertices met, nearest first.
    pub(super) fn explore(&self, points: &Points, query: &[f32], exploration: Exploration) -> Vec<Entry> {
        let Exploration { level, start, capacity, enough } = exploration;
        let mut queue = Queue::new(capacity);
        let mut visited = Visited::new(points.len());
        visited.insert(start);
        queue.push(points.key(query, start), start);
        while let Some(entry) = queue.expand() {
            if queue.nearer(entry.key) >= enough {
                break;
            }
            for neighbour in self.neighbours(entry.vertex, level) {
                if visited.insert(neighbour) {
                    queue.push(points.key(query, neighbour), neighbour);
                }
            }
        }
        queue.into_entries()
    }
}

/// A set of vertices, a bit each.
struct Visited(Vec<u64>);

impl Visited {
    fn new(n: usize) -> Self {
        Self(vec![0; n.div_ceil(64)])
    }

    /// Whether the vertex was not yet in the set.
    fn insert(&mut self, vertex: usize) -> bool {
        let bit = 1 << (vertex % 64);
        let word = &mut self.0[vertex / 64];
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
