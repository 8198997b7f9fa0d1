//! Validation of graphs read from a file.

use super::graph::{Centroids, Hnsw};
use crate::error::{Error, Result};

impl Hnsw {
    /// Checks every field that a search relies on, for a graph of `n` vertices.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn validate(&self, n: usize) -> Result<()> {
        self.check_levels(n)?;
        self.check_entry(n)?;
        self.check_offsets(n)?;
        self.check_neighbours(n)
    }

    fn check_levels(&self, n: usize) -> Result<()> {
        let cum = &self.cum_nneighbor_per_level;
        if cum.first() != Some(&0) || !cum.is_sorted() {
            return Err(Error::field(
                "HNSW cum_nneighbor_per_level",
                "ascending values from 0",
                format!("{cum:?}"),
            ));
        }
        if self.levels.len() != n {
            return Err(Error::field("HNSW levels", n, self.levels.len()));
        }
        if let Some(level) = self.levels.iter().find(|&&level| level < 1 || level as usize >= cum.len()) {
            return Err(Error::field("HNSW levels", format!("1 to {}", cum.len() - 1), level));
        }
        Ok(())
    }

    fn check_entry(&self, n: usize) -> Result<()> {
        let top = self.levels.iter().max().map_or(-1, |levels| levels - 1);
        if self.max_level != top {
            return Err(Error::field("HNSW max_level", top, self.max_level));
        }
        let entry_level = match usize::try_from(self.entry_point) {
            Ok(entry) => self.levels.get(entry).map(|levels| levels - 1),
            Err(_) => (n == 0 && self.entry_point == -1).then_some(-1),
        };
        if entry_level != Some(top) {
            return Err(Error::field("HNSW entry_point", "a vertex of the top level", self.entry_point));
        }
        if self.ef_search < 1 {
            return Err(Error::field("HNSW efSearch", "at least 1", self.ef_search));
        }
        Ok(())
    }

    fn check_offsets(&self, n: usize) -> Result<()> {
        if n.checked_add(1) != Some(self.offsets.len()) {
            return Err(Error::field("HNSW offsets", format!("{n} + 1 values"), self.offsets.len()));
        }
        let mut expected = 0u64;
        let sizes = self.levels.iter().map(|&levels| self.cum_nneighbor_per_level[levels as usize] as u64);
        for (&offset, size) in self.offsets.iter().zip(sizes.chain([0])) {
            if offset != expected {
                return Err(Error::field("HNSW offsets", expected, offset));
            }
            // At most 2^31 per vertex, so no overflow while the levels fit in memory.
            expected += size;
        }
        if self.neighbors.len() as u64 != expected {
            return Err(Error::field("HNSW neighbors", expected, self.neighbors.len()));
        }
        Ok(())
    }

    /// Checks that every slot is empty or names a vertex of the slot's level.
    fn check_neighbours(&self, n: usize) -> Result<()> {
        for vertex in 0..n {
            for level in 0..self.levels[vertex] {
                for &neighbour in &self.neighbors[self.slots(vertex, level as usize)] {
                    let levels = usize::try_from(neighbour).ok().and_then(|v| self.levels.get(v));
                    if neighbour != -1 && levels.is_none_or(|&levels| levels <= level) {
                        let expected = format!("-1 or one of {n} vertices, on level {level}");
                        return Err(Error::field("HNSW neighbors", expected, neighbour));
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that there are as many points as vertices, so that every vertex has a point.
    pub(super) fn check_centroids(&self, points: &Centroids) -> Result<()> {
        if points.d == 0 || points.values.len() != self.levels.len() * points.d {
            let expected = format!("{} vectors of dimension {}", self.levels.len(), points.d);
            return Err(Error::argument("centroids", expected, format!("{} values", points.values.len())));
        }
        Ok(())
    }
}
