//! Trait of all kinds of index.

use std::collections::HashSet;

use crate::{
    Error, Factory, Metric, Neighbours, RangeNeighbours, Result,
    quantise::{coarse::Coarse, hyperplanes::Sides},
    vectors::Vectors,
};

/// Stored vectors of dimension `d` under one metric.
///
/// Vectors passed in have dimension [`Store::d`].
pub(crate) trait Store {
    fn d(&self) -> usize;

    fn ntotal(&self) -> usize;

    fn metric(&self) -> Metric;

    fn factory(&self) -> Factory;

    /// Coarse quantiser, if any; behind transforms it takes transformed vectors.
    fn coarse(&self) -> Option<&Coarse>;

    /// Returns true if codes are the vectors themselves.
    fn is_lossless(&self) -> bool;

    /// Id of the next vector added without one.
    fn next_id(&self) -> i64;

    /// Adds vectors under consecutive ids from `first` on, which must be [`Store::next_id`].
    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()>;

    /// Adds vectors `[n, d]` under `ids` `[n]`.
    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64]) -> Result<()>;

    /// Adds vectors `[n, d]` under `ids` `[n]`, each to the lists of its `lists` nearest cells.
    ///
    /// # Errors
    /// `lists > 1` without an inverted file or where ids are positions.
    fn add_to_lists(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        if lists == 1 {
            return self.add_with_ids(vectors, ids);
        }
        let (factory, operation) = (self.factory().to_string(), "entries in several lists");
        Err(Error::Unsupported { factory, operation })
    }

    /// Finds the `k` nearest entries of each query. Takes the queries by value, so that they can be dropped
    /// once transformed or encoded.
    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours>;

    /// Finds all entries nearer than `radius`, a distance of [`Store::metric`].
    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours>;

    /// Decodes the vector stored under `id`: `d` floats.
    fn reconstruct(&self, id: i64) -> Result<Vec<f32>>;

    /// Encodes and decodes each of `vectors`: `[n, d]`.
    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>>;

    /// Hyperplanes whose sides a code records, and the sides on which each of `vectors` lies; `None` if codes
    /// record something else or if a transform bends the hyperplanes.
    fn sides(&self, _vectors: &Vectors) -> Result<Option<Sides>> {
        Ok(None)
    }

    /// Nearest coarse centroid of each of `vectors`, mapped back to dimension `d`: `[n, d]`; `None` without a
    /// coarse quantiser.
    fn centroids(&self, vectors: &Vectors) -> Result<Option<Vec<f32>>>;

    /// All coarse centroids, mapped back to dimension `d`: `[nlist, d]`; `None` without a coarse quantiser.
    fn all_centroids(&self) -> Result<Option<Vec<f32>>> {
        Ok(self.coarse().map(|coarse| coarse.centroids().to_vec()))
    }

    /// Nearest cell of each of `vectors`: `[n]`; `None` without a coarse quantiser.
    fn cells(&self, vectors: &Vectors) -> Result<Option<Vec<i64>>>;

    /// The `count` nearest cells of each of `vectors`, nearest first; fewer if a graph reaches fewer.
    fn nearest_cells(&self, vectors: &Vectors, count: usize) -> Result<Option<Vec<Vec<i64>>>> {
        let Some(coarse) = self.coarse() else { return Ok(None) };
        let mut cells = vec![Vec::with_capacity(count); vectors.n];
        for (rows, ranked) in coarse.nearest_cells(vectors, coarse.stored(count)?)? {
            rows.into_iter().zip(ranked).for_each(|(row, cell)| cells[row].push(cell));
        }
        Ok(Some(cells))
    }

    /// Margins by which each of `vectors` is nearer to its cell in `cells` than to any other, see
    /// [`Coarse::margins`]; `None` without a coarse quantiser.
    fn cell_margins(&self, vectors: &Vectors, cells: &[i64]) -> Result<Option<Vec<f32>>> {
        self.coarse().map(|coarse| coarse.margins(vectors, cells)).transpose()
    }

    /// Removes the entries whose id is in `ids` and returns the number removed.
    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize>;
}
