//! Vertices and links of the graph, and the points of its vertices.

use std::{borrow::Cow, ops::Range};

use crate::metric::Metric;

/// Graph, with the fields of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hnsw {
    pub assign_probas: Vec<f64>,
    pub cum_nneighbor_per_level: Vec<i32>,
    /// `[n]`.
    pub levels: Vec<i32>,
    /// `[n + 1]`.
    pub offsets: Vec<u64>,
    /// `[offsets[n]]`.
    pub neighbors: Vec<i32>,
    pub entry_point: i32,
    pub max_level: i32,
    pub ef_construction: i32,
    pub ef_search: i32,
    pub upper_beam: i32,
}

impl Hnsw {
    /// Links per vertex on an upper level, `m` in the factory string.
    pub fn links(&self) -> usize {
        self.cum_nneighbor_per_level.get(1).map_or(0, |&slots| slots.max(0) as usize / 2)
    }

    /// Copy without vertices, to be searched as a new graph is.
    pub fn emptied(&self) -> Self {
        Self {
            assign_probas: self.assign_probas.clone(),
            cum_nneighbor_per_level: self.cum_nneighbor_per_level.clone(),
            levels: Vec::new(),
            offsets: vec![0],
            neighbors: Vec::new(),
            entry_point: -1,
            max_level: -1,
            ef_search: 16,
            ..*self
        }
    }

    /// Range of a vertex's slots on one of its levels.
    pub fn slots(&self, vertex: usize, level: usize) -> Range<usize> {
        let offset = self.offsets[vertex] as usize;
        let cum = &self.cum_nneighbor_per_level;
        offset + cum[level] as usize..offset + cum[level + 1] as usize
    }

    /// Neighbours of a vertex on one of its levels.
    pub fn neighbours(&self, vertex: usize, level: usize) -> impl Iterator<Item = usize> {
        let slots = &self.neighbors[self.slots(vertex, level)];
        slots.iter().map_while(|&neighbour| usize::try_from(neighbour).ok())
    }
}

/// Points of the vertices of a graph.
pub(crate) trait Points {
    fn metric(&self) -> Metric;

    /// Number of points.
    fn len(&self) -> usize;

    /// Point of a vertex, `d` floats.
    fn point(&self, vertex: usize) -> Cow<'_, [f32]>;

    /// Sort keys of the distances of points to a query of `d` floats; smaller is nearer.
    fn keys_to<'a>(&'a self, query: &'a [f32]) -> impl Fn(usize) -> f32 + 'a;
}

/// Centroids `[n, d]` and their metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Centroids<'a> {
    pub metric: Metric,
    pub d: usize,
    pub values: &'a [f32],
}

impl Centroids<'_> {
    fn get(&self, vertex: usize) -> &[f32] {
        &self.values[vertex * self.d..(vertex + 1) * self.d]
    }
}

impl Points for Centroids<'_> {
    fn metric(&self) -> Metric {
        self.metric
    }

    fn len(&self) -> usize {
        self.values.len().checked_div(self.d).unwrap_or(0)
    }

    fn point(&self, vertex: usize) -> Cow<'_, [f32]> {
        Cow::Borrowed(self.get(vertex))
    }

    fn keys_to<'a>(&'a self, query: &'a [f32]) -> impl Fn(usize) -> f32 + 'a {
        |vertex| self.metric.key(self.metric.distance(query, self.get(vertex)))
    }
}
