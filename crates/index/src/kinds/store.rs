//! What every kind of index can do.

use std::collections::HashSet;

use crate::{
    Error, Factory, Metric, Neighbours, RangeNeighbours, Result,
    quantise::{coarse::Coarse, hyperplanes::Sides},
    vectors::Vectors,
};

/// Stored vectors of one dimension `d` under one metric.
///
/// Vectors that come in have dimension [`Store::d`].
pub(crate) trait Store {
    fn d(&self) -> usize;

    fn ntotal(&self) -> usize;

    fn metric(&self) -> Metric;

    fn factory(&self) -> Factory;

    /// The coarse quantiser, if there is one, for vectors as they reach it: see [`Store::transformed`].
    fn coarse(&self) -> Option<&Coarse>;

    /// Whether codes are the vectors themselves.
    fn is_lossless(&self) -> bool;

    /// The id that the next vector added gets.
    fn next_id(&self) -> i64;

    /// Adds vectors under consecutive ids from `first` on, which [`Store::next_id`] gave.
    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()>;

    /// Adds vectors under ids of the caller's, one each.
    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64]) -> Result<()>;

    /// Adds vectors under ids of the caller's to as many lists each, those of their nearest cells.
    ///
    /// # Errors
    /// More than one without an inverted file, or where ids are positions.
    fn add_to_lists(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        if lists == 1 {
            return self.add_with_ids(vectors, ids);
        }
        let (factory, operation) = (self.factory().to_string(), "entries in several lists");
        Err(Error::Unsupported { factory, operation })
    }

    /// Takes the queries, so that they need not be kept once they are transformed or coded.
    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours>;

    /// Everything nearer than `radius`, a distance of [`Store::metric`].
    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours>;

    /// What is stored under an id: `d` floats.
    fn reconstruct(&self, id: i64) -> Result<Vec<f32>>;

    /// What would be stored for each of `vectors`: `[n, d]`.
    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>>;

    /// The hyperplanes whose sides are all that a code tells, and the sides on which each of `vectors` lies; `None`
    /// where codes tell something else, or where a transform bends the hyperplanes.
    fn sides(&self, _vectors: &Vectors) -> Result<Option<Sides>> {
        Ok(None)
    }

    /// The nearest coarse centroid of each of `vectors`, brought back to dimension `d`: `[n, d]`; `None` where
    /// there is no coarse quantiser.
    fn centroids(&self, vectors: &Vectors) -> Result<Option<Vec<f32>>>;

    /// All coarse centroids, brought back to dimension `d`: `[nlist, d]`; `None` where there is no coarse quantiser.
    fn all_centroids(&self) -> Result<Option<Vec<f32>>> {
        Ok(self.coarse().map(|coarse| coarse.centroids().to_vec()))
    }

    /// The nearest cell of each of `vectors`; `None` where there is no coarse quantiser.
    fn cells(&self, vectors: &Vectors) -> Result<Option<Vec<i64>>>;

    /// The `count` nearest cells of each of `vectors`, nearest first; fewer where a graph does not lead to as many.
    fn nearest_cells(&self, vectors: &Vectors, count: usize) -> Result<Option<Vec<Vec<i64>>>> {
        let Some(coarse) = self.coarse() else { return Ok(None) };
        let mut cells = vec![Vec::with_capacity(count); vectors.n];
        for (rows, ranked) in coarse.nearest_cells(vectors, coarse.stored(count)?)? {
            rows.into_iter().zip(ranked).for_each(|(row, cell)| cells[row].push(cell));
        }
        Ok(Some(cells))
    }

    /// By how much each of `vectors` is nearer to its cell of `cells` than to any other, see [`Coarse::margins`];
    /// `None` where there is no coarse quantiser.
    fn cell_margins(&self, vectors: &Vectors, cells: &[i64]) -> Result<Option<Vec<f32>>> {
        self.coarse().map(|coarse| coarse.margins(vectors, cells)).transpose()
    }

    /// Removes the entries that carry one of the ids and says how many they were.
    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize>;
}
