//! Searches on the host or on the index's device.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use super::Index;
use crate::{
    error::{Error, Result},
    kinds::{device_entries::device_entries, store::AsStore},
    lazy::get_or_make,
    search::{
        DeviceNeighbours, Neighbours, RangeNeighbours,
        device::{DeviceIndex, MAX_K},
    },
};

impl Index {
    /// Finds the `k` nearest stored vectors of each of `queries` `[n, d]` in its `nprobe` nearest cells.
    /// `nprobe` is capped at `nlist`, and ignored by an index without an inverted file. An id that several
    /// entries carry is returned once.
    ///
    /// On a device other than the CPU, distances come from float32 matrix products, and ties may resolve
    /// differently; [`Self::search_on_device`] lists the kinds that the host searches regardless.
    ///
    /// # Errors
    /// `k` or `nprobe` is 0, a different dimension, a non-finite query, a failing device.
    pub fn search(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<Neighbours> {
        let on_device = self.device != Device::flex() && k <= MAX_K && queries.dims()[0] > 0;
        if let Some(index) = on_device.then(|| self.on_device()).flatten() {
            let found = index.search(queries.clone(), k, nprobe)?;
            // The device search does not merge entries of one id.
            if !found.repeat() {
                return Ok(found);
            }
        }
        self.kind.store().search(self.accept("queries", queries)?, k, nprobe)
    }

    /// Searches as [`Self::search`] does and leaves the results on the index's device; nothing is read back.
    /// Non-finite queries are not detected; their neighbours are arbitrary. An id that several entries carry
    /// is returned once per entry.
    ///
    /// # Errors
    /// `k` is 0 or above 128, `nprobe` is 0, a different dimension, no queries. [`Error::Unsupported`] where
    /// only the host can search: `LSH`, fast scan, `HNSW`, `RaBitQ`, `RFlat`, and indexes of more than 2^31 numbers on
    /// the device.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use active_index_index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([500, 32], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF8,SQ8".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// index.add(vectors.clone())?;
    /// let found = index.search_on_device(vectors.slice([0..3]), 5, 2)?;
    /// assert_eq!(found.distances.dims(), [3, 5]);
    /// assert_eq!(index.read_neighbours(found)?.ids_of(2)[0], 2);
    /// # Ok::<(), active_index_index::Error>(())
    /// ```
    pub fn search_on_device(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<DeviceNeighbours> {
        self.require_on_device()?.search_on_device(queries, k, nprobe)
    }

    /// Reads the results of [`Self::search_on_device`] back and replaces positions by ids. The index must not
    /// have changed since the search.
    ///
    /// # Errors
    /// A position past the last entry; [`Error::Unsupported`] as for the search; a failing device.
    pub fn read_neighbours(&self, found: DeviceNeighbours) -> Result<Neighbours> {
        self.require_on_device()?.read(found)
    }

    fn require_on_device(&self) -> Result<&DeviceIndex> {
        self.on_device().ok_or_else(|| Error::Unsupported {
            factory: self.factory().to_string(),
            operation: "searching on a device",
        })
    }

    /// Finds all stored vectors within `radius` of each of `queries` `[n, d]` in its `nprobe` nearest cells:
    /// squared L2 distances below `radius`, or inner products above it.
    ///
    /// # Errors
    /// The errors of [`Self::search`]; a NaN radius.
    pub fn range_search(&self, queries: Tensor<2>, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        if radius.is_nan() {
            return Err(Error::argument("radius", "a number", radius));
        }
        self.kind.store().range_search(&self.accept("queries", queries)?, radius, nprobe)
    }

    fn on_device(&self) -> Option<&DeviceIndex> {
        let new = || DeviceIndex::new(device_entries(&self.kind)?, &self.device).map(Arc::new);
        get_or_make(&self.on_device, new).as_deref()
    }
}
