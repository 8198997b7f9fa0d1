//! Coarse quantiser of `IVF{n}_HNSW{m}`: a hierarchical navigable small-world graph over the centroids
//! (Malkov and Yashunin).
//!
//! A vertex is on the levels from 0 to a random height. A search descends greedily through the sparse upper
//! levels and then explores level 0 with a bounded queue. Ids, metric and centroids are those of the flat
//! storage.
//!
//! # File layout
//!
//! faiss's `IndexHNSWFlat`; all numbers little-endian, a vector is its length as u64 and then its elements.
//!
//! | field | type | content |
//! |---|---|---|
//! | fourcc | `IHNf` | |
//! | index header | as everywhere | `ntotal` is the number of centroids; metric as the whole index's |
//! | `assign_probas` | vector of f64 | probability of each height, down to 1e-9 |
//! | `cum_nneighbor_per_level` | vector of i32 | `0, 2 m, 3 m, ...`: slots below each level, one more value than heights |
//! | `levels` | vector of i32 | `[n]`: number of levels of each vertex, at least 1 |
//! | `offsets` | vector of u64 | `[n + 1]`: first slot of each vertex |
//! | `neighbors` | vector of i32 | slots; those of vertex `v` on level `l` start at `offsets[v] + cum[l]` and end at a -1 |
//! | `entry_point` | i32 | a vertex of the top level, -1 without vertices |
//! | `max_level` | i32 | top level from 0, -1 without vertices |
//! | `efConstruction` | i32 | 40 |
//! | `efSearch` | i32 | 16 |
//! | `upper_beam` | i32 | 1; no longer used |
//! | storage | a whole flat index | `IxF2` under L2, `IxFI` with the inner product |
//!
//! For the inner product faiss searches by the negated product and reports the product.

mod build;
mod queue;
mod search;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use build::HnswConfig;

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
    fn slots(&self, vertex: usize, level: usize) -> std::ops::Range<usize> {
        let offset = self.offsets[vertex] as usize;
        let cum = &self.cum_nneighbor_per_level;
        offset + cum[level] as usize..offset + cum[level + 1] as usize
    }

    /// Neighbours of a vertex on one of its levels.
    fn neighbours(&self, vertex: usize, level: usize) -> impl Iterator<Item = usize> {
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
    fn len(&self) -> usize {
        self.values.len() / self.d
    }

    fn get(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.d..(i + 1) * self.d]
    }

    /// Sort key of the distance of point `i` to a query; smaller is nearer.
    fn key(&self, query: &[f32], i: usize) -> f32 {
        self.metric.key(self.metric.distance(query, self.get(i)))
    }
}
