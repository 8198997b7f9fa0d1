//! Construction of the graph by inserting the centroids one after another.

use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    graph::{Hnsw, Points},
    search::Exploration,
};
use crate::{
    error::{Error, Result},
    metric::Metric,
    quantise::random_streams::{GRAPH_STREAM, seeded},
};

/// Least probability of a height; less likely heights do not occur.
const LEAST_PROBABILITY: f32 = 1e-9;

/// Most neighbours per vertex that a factory string may request.
const MOST_NEIGHBOURS: usize = 1 << 16;

/// Settings of the construction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HnswConfig {
    /// Neighbours of a vertex on every upper level; twice as many on level 0.
    pub m: usize,
    /// Candidates kept while searching for the neighbours of a new vertex.
    pub ef_construction: i32,
    pub ef_search: i32,
    pub seed: u64,
}

impl Default for HnswConfig {
    /// faiss's defaults.
    fn default() -> Self {
        Self { m: 32, ef_construction: 40, ef_search: 16, seed: 0 }
    }
}

impl HnswConfig {
    fn check(&self) -> Result<()> {
        if !(2..=MOST_NEIGHBOURS).contains(&self.m) {
            return Err(Error::argument("HNSW neighbours", format!("2 to {MOST_NEIGHBOURS}"), self.m));
        }
        if self.ef_construction < 1 || self.ef_search < 1 {
            let found = format!("{} and {}", self.ef_construction, self.ef_search);
            return Err(Error::argument("efConstruction and efSearch", "at least 1", found));
        }
        Ok(())
    }

    /// Probability of each height, falling by a factor of `m` per level. Computed in single precision as
    /// faiss does.
    fn probabilities(&self) -> Vec<f64> {
        let scale = (1.0 / (self.m as f64).ln()) as f32;
        let probability = |level: u8| (-f32::from(level) / scale).exp() * (1.0 - (-1.0 / scale).exp());
        (0..u8::MAX).map(probability).take_while(|&p| p >= LEAST_PROBABILITY).map(f64::from).collect()
    }

    /// Creates a graph of `n` vertices on random levels, without edges.
    fn vertices(&self, n: usize, rng: &mut ChaCha8Rng) -> Hnsw {
        let assign_probas = self.probabilities();
        let cum_nneighbor_per_level: Vec<i32> = (0..=assign_probas.len())
            .map(|levels| if levels == 0 { 0 } else { ((levels + 1) * self.m) as i32 })
            .collect();
        let levels: Vec<i32> = (0..n).map(|_| random_height(&assign_probas, rng) + 1).collect();
        let mut offsets = vec![0u64];
        for &levels in &levels {
            offsets.push(offsets[offsets.len() - 1] + cum_nneighbor_per_level[levels as usize] as u64);
        }
        let neighbors = vec![-1; offsets[n] as usize];
        Hnsw {
            assign_probas,
            cum_nneighbor_per_level,
            levels,
            offsets,
            neighbors,
            entry_point: -1,
            max_level: -1,
            ef_construction: self.ef_construction,
            ef_search: self.ef_search,
            upper_beam: 1,
        }
    }
}

fn random_height(probabilities: &[f64], rng: &mut ChaCha8Rng) -> i32 {
    let mut left: f64 = rng.random();
    for (height, p) in probabilities.iter().enumerate() {
        if left < *p {
            return height as i32;
        }
        left -= p;
    }
    probabilities.len() as i32 - 1
}

impl Hnsw {
    /// Builds the graph over centroids `[n, d]`.
    ///
    /// # Errors
    /// A setting out of range, or a number of values that is not a multiple of `d`.
    pub fn build(centroids: &[f32], d: usize, metric: Metric, config: &HnswConfig) -> Result<Self> {
        config.check()?;
        let points = Points { metric, d, values: centroids };
        let n = centroids.len().checked_div(d).unwrap_or(0);
        let mut rng = seeded(config.seed, GRAPH_STREAM);
        let mut graph = config.vertices(n, &mut rng);
        graph.check_points(&points)?;
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng);
        // High vertices first, so that the upper levels are complete before vertices of level 0 descend
        // through them.
        order.sort_by_key(|&vertex| -graph.levels[vertex]);
        for vertex in order {
            graph.insert(&points, vertex);
        }
        Ok(graph)
    }

    fn insert(&mut self, points: &Points, vertex: usize) {
        let height = self.levels[vertex] - 1;
        let Ok(mut nearest) = usize::try_from(self.entry_point) else {
            (self.entry_point, self.max_level) = (vertex as i32, height);
            return;
        };
        let query = points.get(vertex);
        for level in (height + 1..=self.max_level).rev() {
            nearest = self.descend(points, query, level as usize, nearest);
        }
        for level in (0..=height as usize).rev() {
            nearest = self.connect(points, vertex, level, nearest);
        }
    }

    /// Links a vertex on one level, searching from `start`, and returns its nearest neighbour.
    fn connect(&mut self, points: &Points, vertex: usize, level: usize, start: usize) -> usize {
        let capacity = self.ef_construction as usize;
        let exploration = Exploration { level, start, capacity, enough: usize::MAX };
        let found = self.explore(points, points.get(vertex), exploration);
        let nearest = found.first().map_or(start, |entry| entry.vertex);
        let mut near: Vec<(f32, usize)> = found.iter().map(|entry| (entry.key, entry.vertex)).collect();
        let room = self.slots(vertex, level).len();
        if near.len() >= room {
            near = diverse(points, &near, room);
        }
        self.set_neighbours(vertex, level, &near);
        for &(key, neighbour) in &near {
            self.link(points, level, neighbour, (key, vertex));
        }
        nearest
    }

    /// Adds a neighbour; if all slots are taken, selects again among all.
    fn link(&mut self, points: &Points, level: usize, vertex: usize, new: (f32, usize)) {
        let slots = self.slots(vertex, level);
        if let Some(slot) = self.neighbors[slots.clone()].iter_mut().find(|slot| **slot < 0) {
            *slot = new.1 as i32;
            return;
        }
        let point = points.get(vertex);
        let mut near: Vec<(f32, usize)> =
            self.neighbours(vertex, level).map(|other| (points.key(point, other), other)).collect();
        near.push(new);
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.set_neighbours(vertex, level, &diverse(points, &near, slots.len()));
    }

    /// Writes neighbours to the slots, -1 to the rest; there are at most as many as slots.
    fn set_neighbours(&mut self, vertex: usize, level: usize, near: &[(f32, usize)]) {
        let slots = self.slots(vertex, level);
        let ids = near.iter().map(|&(_, id)| id as i32).chain(std::iter::repeat(-1));
        self.neighbors[slots].iter_mut().zip(ids).for_each(|(slot, id)| *slot = id);
    }
}

/// Selects up to `room` of the points, given nearest first with their keys, such that each is nearer to the
/// vertex than to any selected before: edges in all directions instead of many into one cluster (Malkov and
/// Yashunin, algorithm 4).
fn diverse(points: &Points, near: &[(f32, usize)], room: usize) -> Vec<(f32, usize)> {
    let mut chosen: Vec<(f32, usize)> = Vec::with_capacity(room);
    for &(key, candidate) in near {
        let point = points.get(candidate);
        if chosen.len() < room && chosen.iter().all(|&(_, other)| points.key(point, other) >= key) {
            chosen.push((key, candidate));
        }
    }
    chosen
}
