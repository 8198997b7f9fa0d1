//! Changes of an index: adding, removing and merging entries.

use std::{ops::Range, sync::OnceLock};

use burn::tensor::Tensor;

use super::{
    Index,
    merge::{MergedIds, merge},
};
use crate::{
    error::{Error, Result},
    kinds::store::AsStore,
    vectors::Vectors,
};

/// Vectors encoded per block; intermediate buffers take a small multiple of a block's size.
const ADD_BLOCK: usize = 16 << 10;

impl Index {
    /// Adds `vectors` `[n, d]` under consecutive ids and returns the ids. They start at `ntotal` as in faiss,
    /// or after the largest id if the caller has added larger ones.
    ///
    /// # Errors
    /// A different dimension, a non-finite vector, or too few ids left below 2^63: the index is unchanged. A
    /// failing device.
    pub fn add(&mut self, vectors: Tensor<2>) -> Result<Range<i64>> {
        let vectors = self.accept("added vectors", vectors)?;
        let store = self.store_mut();
        let start = store.next_id();
        let end = start.checked_add(vectors.n as i64).ok_or_else(|| no_ids_left(start))?;
        let firsts = (start..).step_by(ADD_BLOCK);
        vectors.blocks(ADD_BLOCK).zip(firsts).try_for_each(|(block, first)| store.add(&block, first))?;
        Ok(start..end)
    }

    /// Adds `vectors` `[n, d]` under `ids` `[n]`, each at least 0. Ids may repeat.
    ///
    /// # Errors
    /// The errors of [`Self::add`]; a number of ids other than `n`; a negative id; in an index without an
    /// inverted file, ids other than those [`Self::add`] would assign; any ids in an index whose file has an
    /// array direct map, because faiss's format cannot express them.
    pub fn add_with_ids(&mut self, vectors: Tensor<2>, ids: &[i64]) -> Result<()> {
        self.add_to_lists(vectors, ids, 1)
    }

    /// Adds `vectors` `[n, d]` under `ids` `[n]`, each to the lists of its `lists` nearest cells. With
    /// residual codes, the entry in each list encodes the vector minus that list's centroid. A search that
    /// finds several entries of one id returns it once, at its smallest distance. The file stays readable by
    /// faiss, which returns such an id once per entry found.
    ///
    /// # Errors
    /// The errors of [`Self::add_with_ids`]; `lists` not in `1..=nlist`; [`Error::Unsupported`] for
    /// `lists > 1` without an inverted file or with `RFlat`.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use active_index_index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF8,PQ2x4".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// index.add_to_lists(vectors.clone(), &Vec::from_iter(0..300), 3)?;
    /// assert_eq!(index.ntotal(), 900);
    /// let found = index.search(vectors, 300, 8)?;
    /// assert_eq!(found.ids_of(0).iter().copied().collect::<std::collections::HashSet<_>>().len(), 300);
    /// # Ok::<(), active_index_index::Error>(())
    /// ```
    pub fn add_to_lists(&mut self, vectors: Tensor<2>, ids: &[i64], lists: usize) -> Result<()> {
        let (vectors, store) = (self.accept_with_ids(vectors, ids)?, self.store_mut());
        let mut blocks = vectors.blocks(ADD_BLOCK).zip(ids.chunks(ADD_BLOCK));
        blocks.try_for_each(|(block, ids)| store.add_with_ids(&block, ids, lists))
    }

    /// Adds `vectors` `[n, d]` under consecutive ids, as [`Self::add`] does, each to the lists of its `lists` nearest cells, and
    /// returns the ids.
    ///
    /// # Errors
    /// The errors of [`Self::add`]; for `lists > 1` those of [`Self::add_to_lists`].
    pub fn add_to_nearest(&mut self, vectors: Tensor<2>, lists: usize) -> Result<Range<i64>> {
        if lists == 1 {
            return self.add(vectors);
        }
        let [n, _] = vectors.dims();
        let ids: Vec<i64> = (self.next_id()..).take(n).collect();
        self.add_to_lists(vectors, &ids, lists)?;
        Ok(ids.first().map_or(0..0, |first| *first..first + n as i64))
    }

    /// Checks vectors to be added and that there is one id for each.
    fn accept_with_ids(&self, vectors: Tensor<2>, ids: &[i64]) -> Result<Vectors<'static>> {
        let vectors = self.accept("added vectors", vectors)?;
        if ids.len() != vectors.n {
            let expected = format!("{}, one per vector", vectors.n);
            return Err(Error::argument("number of ids", expected, ids.len()));
        }
        Ok(vectors)
    }

    /// Removes every entry whose id is in `ids` and returns the number removed. Where ids are positions (no
    /// inverted file), later entries shift down, as in faiss.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for `RFlat` over an inverted file, where ids must remain positions.
    pub fn remove(&mut self, ids: &[i64]) -> Result<usize> {
        self.store_mut().remove(&ids.iter().copied().collect())
    }

    /// Moves all entries of `other` into this index.
    ///
    /// # Errors
    /// Different quantisers, because codes of one index mean nothing in the other; [`MergedIds::Kept`] where
    /// ids are positions; shifted ids above the largest i64. The index is then unchanged.
    pub fn merge(&mut self, other: Self, ids: MergedIds) -> Result<()> {
        let shift = match ids {
            MergedIds::Behind => self.kind.store().next_id(),
            MergedIds::Kept if !self.ids_are_positions() => 0,
            MergedIds::Kept => {
                return Err(Error::Unsupported {
                    factory: self.factory().to_string(),
                    operation: "keeping ids",
                });
            }
        };
        shift.checked_add(other.next_id()).ok_or_else(|| no_ids_left(shift))?;
        self.on_device = OnceLock::new();
        merge(&mut self.kind, other.kind, shift)
    }
}

fn no_ids_left(next: i64) -> Error {
    Error::argument("next id", "small enough that all new ids fit in i64", next)
}
