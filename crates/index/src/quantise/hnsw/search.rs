//! Search of the graph.

use super::{
    graph::{Centroids, Hnsw, Points},
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
        let points = Centroids { metric, d: query.len(), values: centroids };
        self.check_centroids(&points)?;
        let distance = |(vertex, key)| (vertex, metric.distance_of(key));
        Ok(self.nearest(&points, query, k).into_iter().map(distance).collect())
    }

    /// Finds the `k` of the points nearest to `query` among those the graph reaches, with their sort keys, as
    /// [`Self::search`] does. There must be a point for each vertex.
    pub fn nearest(&self, points: &impl Points, query: &[f32], k: usize) -> Vec<(usize, f32)> {
        let entries = self.explore_from_top(points, query, k, |_, _| ());
        entries.iter().take(k).map(|entry| (entry.vertex, entry.key)).collect()
    }

    /// Finds the points with sort keys below `radius` among those that a search for one neighbour compares
    /// on the lowest level, in that order, as faiss does. There must be a point for each vertex.
    pub fn within(&self, points: &impl Points, query: &[f32], radius: f32) -> Vec<(usize, f32)> {
        let mut found = Vec::new();
        self.explore_from_top(points, query, 1, |vertex, key| {
            found.extend((key < radius).then_some((vertex, key)));
        });
        found
    }

    /// Explores the lowest level for `k` neighbours, from where the levels above lead.
    fn explore_from_top(
        &self,
        points: &impl Points,
        query: &[f32],
        k: usize,
        visit: impl FnMut(usize, f32),
    ) -> Vec<Entry> {
        let Ok(mut start) = usize::try_from(self.entry_point) else {
            return Vec::new();
        };
        let key = points.keys_to(query);
        for level in (1..=self.max_level.max(0) as usize).rev() {
            start = self.descend(&key, level, start);
        }
        let enough = self.ef_search.max(0) as usize;
        // The graph has no more vertices than points.
        let capacity = enough.max(k).min(points.len());
        self.explore(&key, points.len(), Exploration { level: 0, start, capacity, enough }, visit)
    }

    /// Walks greedily from `nearest` to a vertex that is nearer to the query than all its neighbours on the
    /// level; `key` gives the sort key of a vertex's distance to the query.
    pub(super) fn descend(&self, key: impl Fn(usize) -> f32, level: usize, mut nearest: usize) -> usize {
        let mut nearest_key = key(nearest);
        loop {
            let before = nearest;
            for neighbour in self.neighbours(before, level) {
                let key = key(neighbour);
                if key < nearest_key {
                    (nearest, nearest_key) = (neighbour, key);
                }
            }
            if nearest == before {
                return nearest;
            }
        }
    }

    /// Explores one level of `n` vertices and returns the nearest ones visited, nearest first. Reports every
    /// vertex visited with its sort key to `visit`.
    pub(super) fn explore(
        &self,
        key: impl Fn(usize) -> f32,
        n: usize,
        exploration: Exploration,
        mut visit: impl FnMut(usize, f32),
    ) -> Vec<Entry> {
        let Exploration { level, start, capacity, enough } = exploration;
        let mut queue = Queue::new(capacity);
        let mut visited = Visited::new(n);
        let mut compare = |vertex, queue: &mut Queue| {
            let key = key(vertex);
            visit(vertex, key);
            queue.push(key, vertex);
        };
        visited.insert(start);
        compare(start, &mut queue);
        while let Some(entry) = queue.expand() {
            if queue.nearer(entry.key) >= enough {
                break;
            }
            for neighbour in self.neighbours(entry.vertex, level) {
                if visited.insert(neighbour) {
                    compare(neighbour, &mut queue);
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
