//! Search of the graph.

use super::{
    graph::{Hnsw, Points},
    queue::{Entry, Queue},
};
use crate::{error::Result, metric::Metric};

/// Start and stop condition of an exploration.
pub(super) struct Exploration {
    pub level: usize,
    /// Vertex of the level to start from.
    pub start: usize,
    /// Number of vertices kept.
    pub capacity: usize,
    /// The exploration ends at a vertex with at least this many nearer ones in the queue.
    pub enough: usize,
}

impl Hnsw {
    /// Finds the `k` of the centroids `[n, d]` nearest to `query` among those the graph reaches, nearest
    /// first, with squared distances or inner products. Returns fewer if fewer are reached.
    ///
    /// The result equals that of faiss's search with `efSearch`, except for the order of ties. As in faiss
    /// the queue holds `max(efSearch, k)` vertices, but `efSearch` alone ends the search.
    ///
    /// The graph must have passed [`Self::validate`] for `n` vertices.
    ///
    /// # Errors
    /// The number of centroids differs from the number of vertices.
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
        // The graph has no more vertices than points.
        let capacity = enough.max(k).min(points.len());
        let entries =
            self.explore(&points, query, Exploration { level: 0, start: nearest, capacity, enough });
        let distance = |entry: &Entry| (entry.vertex, metric.distance_of(entry.key));
        Ok(entries.iter().take(k).map(distance).collect())
    }

    /// Walks greedily from `nearest` to a vertex that is nearer to the query than all its neighbours on the
    /// level.
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

    /// Explores one level and returns the nearest vertices visited, nearest first.
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

/// Set of vertices, one bit each.
struct Visited(Vec<u64>);

impl Visited {
    fn new(n: usize) -> Self {
        Self(vec![0; n.div_ceil(64)])
    }

    /// Adds a vertex; returns true if it was not in the set.
    fn insert(&mut self, vertex: usize) -> bool {
        let bit = 1 << (vertex % 64);
        let word = &mut self.0[vertex / 64];
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
