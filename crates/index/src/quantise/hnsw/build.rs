//! Construction of the graph by inserting the centroids one after another.

use std::borrow::Cow;

use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    graph::{Centroids, Hnsw, Points},
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

/// Most slots of a vertex with all levels, which bounds the memory of a new vertex.
const MOST_SLOTS: i32 = 4 << 16;

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

    /// Creates a graph without vertices.
    ///
    /// # Errors
    /// A setting out of range.
    pub fn empty(&self) -> Result<Hnsw> {
        self.check()?;
        let assign_probas = self.probabilities();
        let cum_nneighbor_per_level: Vec<i32> = (0..=assign_probas.len())
            .map(|levels| if levels == 0 { 0 } else { ((levels + 1) * self.m) as i32 })
            .collect();
        Ok(Hnsw {
            assign_probas,
            cum_nneighbor_per_level,
            levels: Vec::new(),
            offsets: vec![0],
            neighbors: Vec::new(),
            entry_point: -1,
            max_level: -1,
            ef_construction: self.ef_construction,
            ef_search: self.ef_search,
            upper_beam: 1,
        })
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
        let points = Centroids { metric, d, values: centroids };
        let mut graph = config.empty()?;
        graph.grow(&points, config.seed)?;
        graph.check_centroids(&points)?;
        Ok(graph)
    }

    /// Adds a vertex for each point beyond those that have one.
    ///
    /// # Errors
    /// Fields of a file that allow no vertex, or one with too many slots; the graph is unchanged.
    pub fn grow(&mut self, points: &impl Points, seed: u64) -> Result<()> {
        self.check_growth()?;
        if i32::try_from(points.len()).is_err() {
            return Err(Error::argument(
                "number of HNSW vertices",
                format!("at most {}", i32::MAX),
                points.len(),
            ));
        }
        let mut rng = seeded(seed, GRAPH_STREAM);
        let first = self.levels.len();
        self.add_vertices(points.len().saturating_sub(first), &mut rng);
        let mut order: Vec<usize> = (first..self.levels.len()).collect();
        order.shuffle(&mut rng);
        // High vertices first, so that the upper levels are complete before vertices of level 0 descend
        // through them.
        order.sort_by_key(|&vertex| -self.levels[vertex]);
        for vertex in order {
            self.insert(points, vertex);
        }
        Ok(())
    }

    /// Checks the fields that determine the slots of a new vertex.
    ///
    /// # Errors
    /// The first field out of range.
    pub fn check_growth(&self) -> Result<()> {
        let most = self.cum_nneighbor_per_level.last().copied().unwrap_or(0);
        let count = self.cum_nneighbor_per_level.len();
        if count >= 2 && most <= MOST_SLOTS {
            return Ok(());
        }
        let expected = format!("2 or more values up to {MOST_SLOTS}");
        Err(Error::field("HNSW cum_nneighbor_per_level", expected, format!("{count} up to {most}")))
    }

    /// Adds `n` vertices on random levels, without edges.
    fn add_vertices(&mut self, n: usize, rng: &mut ChaCha8Rng) {
        let highest = self.cum_nneighbor_per_level.len() - 1;
        for _ in 0..n {
            let levels = (random_height(&self.assign_probas, rng) + 1).clamp(1, highest as i32);
            let slots = self.cum_nneighbor_per_level[levels as usize] as usize;
            self.levels.push(levels);
            self.neighbors.resize(self.neighbors.len() + slots, -1);
            self.offsets.push(self.neighbors.len() as u64);
        }
    }

    fn insert(&mut self, points: &impl Points, vertex: usize) {
        let height = self.levels[vertex] - 1;
        let Ok(mut nearest) = usize::try_from(self.entry_point) else {
            (self.entry_point, self.max_level) = (vertex as i32, height);
            return;
        };
        let query = points.point(vertex);
        for level in (height + 1..=self.max_level).rev() {
            nearest = self.descend(points.keys_to(&query), level as usize, nearest);
        }
        for level in (0..=height.min(self.max_level) as usize).rev() {
            nearest = self.connect(points, vertex, level, nearest);
        }
        if height > self.max_level {
            (self.entry_point, self.max_level) = (vertex as i32, height);
        }
    }

    /// Links a vertex on one level, searching from `start`, and returns its nearest neighbour.
    fn connect(&mut self, points: &impl Points, vertex: usize, level: usize, start: usize) -> usize {
        let n = points.len();
        let capacity = (self.ef_construction.max(1) as usize).min(n);
        let exploration = Exploration { level, start, capacity, enough: usize::MAX };
        let query = points.point(vertex);
        let found = self.explore(points.keys_to(&query), n, exploration, |_, _| ());
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
    fn link(&mut self, points: &impl Points, level: usize, vertex: usize, new: (f32, usize)) {
        let slots = self.slots(vertex, level);
        if let Some(slot) = self.neighbors[slots.clone()].iter_mut().find(|slot| **slot < 0) {
            *slot = new.1 as i32;
            return;
        }
        let point = points.point(vertex);
        let key = points.keys_to(&point);
        let mut near: Vec<(f32, usize)> =
            self.neighbours(vertex, level).map(|other| (key(other), other)).collect();
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
fn diverse(points: &impl Points, near: &[(f32, usize)], room: usize) -> Vec<(f32, usize)> {
    let metric = points.metric();
    let mut chosen: Vec<(f32, usize, Cow<[f32]>)> = Vec::with_capacity(room.min(near.len()));
    for &(key, candidate) in near {
        if chosen.len() == room {
            break;
        }
        let point = points.point(candidate);
        if chosen.iter().all(|(_, _, other)| metric.key(metric.distance(&point, other)) >= key) {
            chosen.push((key, candidate, point));
        }
    }
    chosen.into_iter().map(|(key, candidate, _)| (key, candidate)).collect()
}
