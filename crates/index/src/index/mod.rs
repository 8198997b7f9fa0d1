//! The public index type: training, adding, searching, reading and writing for every kind.

mod cells;
mod changes;
mod entries;
mod entry_lists;
mod file;
mod graph;
mod merge;
mod reconstruction;
mod search;
mod targets;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use burn::tensor::{Device, Tensor};

use crate::{
    error::Result,
    factory::Factory,
    kinds::{
        Kind,
        store::{AsStore, Store},
        train::train,
    },
    metric::Metric,
    quantise::{TrainConfig, TrainProgress},
    search::device::DeviceIndex,
    vectors::Vectors,
};

pub use entry_lists::{EncodedVectors, EntryLists, FoundEntry, ProbedVectors};
pub use merge::MergedIds;
pub use targets::{Signs, Target, Targets};

/// A trained index over vectors of one dimension `d`.
///
/// Vectors are passed as tensors `[n, d]` of any float type on any device; they must be finite.
#[derive(Clone)]
pub struct Index {
    pub(crate) kind: Kind,
    /// Device that runs the quantisers and receives decoded vectors.
    pub(crate) device: Device,
    /// Copy of the entries on the device, made by the first search after a change; `None` inside where only
    /// the host can search.
    on_device: OnceLock<Option<Arc<DeviceIndex>>>,
}

impl Index {
    /// Trains an empty index on `vectors` `[n, d]`, on the device that holds them.
    ///
    /// # Errors
    /// Fewer vectors than coarse centroids, or than codewords of a product quantiser; a non-finite vector; a
    /// dimension that does not fit the factory string; a failing device.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use active_index_index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let index = Index::train(&"IVF4,PQ2".parse()?, vectors, &TrainConfig::default())?;
    /// assert_eq!((index.d(), index.ntotal(), index.nlist()), (16, 0, Some(4)));
    /// # Ok::<(), active_index_index::Error>(())
    /// ```
    pub fn train(factory: &Factory, vectors: Tensor<2>, config: &TrainConfig) -> Result<Self> {
        Self::train_with_progress(factory, vectors, config, &mut |_| {})
    }

    /// Trains as [`Self::train`] does and reports every iteration to `progress`.
    ///
    /// # Errors
    /// The errors of [`Self::train`].
    pub fn train_with_progress(
        factory: &Factory,
        vectors: Tensor<2>,
        config: &TrainConfig,
        progress: &mut dyn FnMut(TrainProgress),
    ) -> Result<Self> {
        let device = vectors.device().inner();
        let vectors = Vectors::new("training vectors", vectors)?;
        Ok(Self::new(train(factory, &vectors, config, &device, progress)?, device))
    }

    /// Dimension of the vectors.
    pub fn d(&self) -> usize {
        self.kind.store().d()
    }

    /// Number of vectors stored.
    pub fn ntotal(&self) -> usize {
        self.kind.store().ntotal()
    }

    /// Returns true if codes are the vectors themselves.
    pub fn is_lossless(&self) -> bool {
        self.kind.store().is_lossless()
    }

    /// Metric of the searches.
    pub fn metric(&self) -> Metric {
        self.kind.store().metric()
    }

    /// Factory string of this kind of index.
    pub fn factory(&self) -> Factory {
        self.kind.store().factory()
    }

    /// Device that runs the quantisers.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    fn new(kind: Kind, device: Device) -> Self {
        Self { kind, device, on_device: OnceLock::new() }
    }

    /// Mutable access to the entries; drops the copy on the device.
    fn store_mut(&mut self) -> &mut dyn Store {
        self.on_device = OnceLock::new();
        self.kind.store_mut()
    }

    fn accept(&self, what: &'static str, vectors: Tensor<2>) -> Result<Vectors<'static>> {
        Vectors::of_dimension(what, vectors, self.d())
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (d, ntotal, metric) = (self.d(), self.ntotal(), self.metric());
        write!(f, "Index({}, {metric}, d {d}, ntotal {ntotal})", self.factory())
    }
}
