//! Trait of all kinds of index.

use std::collections::HashSet;

use super::positional_ids;
use crate::{
    error::{Error, Result},
    factory::Factory,
    metric::Metric,
    quantise::{coarse::Coarse, hyperplanes::Sides},
    search::{Neighbours, RangeNeighbours},
    vectors::Vectors,
};

/// Stored vectors of dimension `d` under one metric.
///
/// Vectors passed in have dimension [`Store::d`]. The defaults are those of an index without an inverted file
/// and without transforms, with lossy codes and positions as ids.
pub(crate) trait Store {
    fn d(&self) -> usize;

    fn ntotal(&self) -> usize;

    fn metric(&self) -> Metric;

    fn factory(&self) -> Factory;

    /// Coarse quantiser, if any, of vectors after [`Store::apply_transforms`].
    fn coarse(&self) -> Option<&Coarse> {
        None
    }

    /// Returns true if codes are the vectors themselves.
    fn is_lossless(&self) -> bool {
        false
    }

    /// Id of the next vector added without one.
    fn next_id(&self) -> i64 {
        self.ntotal() as i64
    }

    /// Adds vectors under consecutive ids from `first` on, which must be [`Store::next_id`].
    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()>;

    /// Adds vectors `[n, d]` under `ids` `[n]`, each to the lists of its `lists` nearest cells.
    ///
    /// # Errors
    /// `lists > 1` without an inverted file or where ids are positions; ids that are not those positions.
    fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64], lists: usize) -> Result<()> {
        if lists != 1 {
            let (factory, operation) = (self.factory().to_string(), "entries in several lists");
            return Err(Error::Unsupported { factory, operation });
        }
        positional_ids::check(self.ntotal(), ids)?;
        self.add(vectors, self.next_id())
    }

    /// Removes the entries whose id is in `ids` and returns the number removed.
    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize>;

    /// A stored id that is no position, or a position that another entry has too; `None` where no ids are stored.
    fn stray_id(&self) -> Option<i64> {
        None
    }

    /// Lowers stored ids that are positions, so that they are `0..ntotal` again after the entries `removed`,
    /// ascending, are gone. Without stored ids there is nothing to do.
    fn close_gaps(&mut self, _removed: &[i64]) {}

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

    /// Applies all transforms before the coarse quantiser.
    fn apply_transforms<'a>(&self, vectors: Vectors<'a>) -> Result<Vectors<'a>> {
        Ok(vectors)
    }

    /// Maps rows back through all transforms, to dimension `d`: `[n, d]`.
    fn undo_transforms(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        Ok(rows)
    }
}

/// Value that contains an index of some kind.
pub(crate) trait AsStore {
    fn store(&self) -> &dyn Store;

    fn store_mut(&mut self) -> &mut dyn Store;
}
