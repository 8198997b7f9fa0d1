//! Vertices and links of the graph, and the centroids as its points.

use std::ops::Range;

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

/// Centroids `[n, d]` and their metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Points<'a> {
    pub metric: Metric,
    pub d: usize,
    pub values: &'a [f32],
}

impl<'a> Points<'a> {
    pub fn len(&self) -> usize {
        self.values.len() / self.d
    }

    pub fn get(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.d..(i + 1) * self.d]
    }

    /// Sort key of the distance of point `i` to a query; smaller is nearer.
    pub fn key(&self, query: &[f32], i: usize) -> f32 {
        self.metric.key(self.metric.distance(query, self.get(i)))
    }
}
