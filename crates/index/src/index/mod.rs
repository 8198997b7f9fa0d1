//! The public index type: training, adding, searching, reading and writing for every kind.

mod entries;
mod merge;
mod target;
mod targets;

use std::{
    fmt,
    fs::File,
    io::Write,
    ops::Range,
    path::Path,
    sync::{Arc, OnceLock},
};

use burn::tensor::{Device, Tensor};

use crate::{
    DeviceNeighbours, Error, Factory, Metric, Neighbours, RangeNeighbours, Result, TrainConfig,
    TrainProgress,
    files::faiss::{Source, read_index, write_index},
    kinds::{Kind, store::Store, train::train},
    lazy::get_or_make,
    replace::{open_regular, replace_file},
    search::device::{DeviceIndex, MAX_K},
    vectors::{Vectors, upload},
};
use merge::merge;

pub use target::Target;
pub use targets::{Aim, Signs};

/// Vectors encoded per block; intermediate buffers take a small multiple of a block's size.
const ADD_BLOCK: usize = 16 << 10;

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

/// Ids given to entries that are merged into another index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MergedIds {
    /// Adds the next id of the receiving index to every id. The only choice where ids are positions.
    #[default]
    Behind,
    /// Keeps ids, even those that the receiving index already contains. Unsupported where ids are positions.
    Kept,
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
    /// use index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let index = Index::train(&"IVF4,PQ2".parse()?, vectors, &TrainConfig::default())?;
    /// assert_eq!((index.d(), index.ntotal(), index.nlist()), (16, 0, Some(4)));
    /// # Ok::<(), index::Error>(())
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
    /// use index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF8,PQ2x4".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// index.add_to_lists(vectors.clone(), &Vec::from_iter(0..300), 3)?;
    /// assert_eq!(index.ntotal(), 900);
    /// let found = index.search(vectors, 300, 8)?;
    /// assert_eq!(found.ids_of(0).iter().copied().collect::<std::collections::HashSet<_>>().len(), 300);
    /// # Ok::<(), index::Error>(())
    /// ```
    pub fn add_to_lists(&mut self, vectors: Tensor<2>, ids: &[i64], lists: usize) -> Result<()> {
        let (vectors, store) = (self.accept_with_ids(vectors, ids)?, self.store_mut());
        let mut blocks = vectors.blocks(ADD_BLOCK).zip(ids.chunks(ADD_BLOCK));
        blocks.try_for_each(|(block, ids)| store.add_to_lists(&block, ids, lists))
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
    /// only the host can search: `LSH`, fast scan, `HNSW`, `RFlat`, and indexes of more than 2^31 numbers on
    /// the device.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([500, 32], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF8,SQ8".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// index.add(vectors.clone())?;
    /// let found = index.search_on_device(vectors.slice([0..3]), 5, 2)?;
    /// assert_eq!(found.distances.dims(), [3, 5]);
    /// assert_eq!(index.read_neighbours(found)?.ids_of(2)[0], 2);
    /// # Ok::<(), index::Error>(())
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

    /// Decodes the vector stored under `id`: `d` floats. If several entries carry the id, one of them.
    ///
    /// # Errors
    /// [`Error::UnknownId`]; a transform that cannot be inverted.
    pub fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        self.kind.store().reconstruct(id)
    }

    /// Assigns each of `vectors` `[n, d]` to its nearest coarse cell: `[n]`, in `0..nlist`; `None` without an
    /// inverted file.
    ///
    /// # Errors
    /// A different dimension, a non-finite vector, a failing device.
    pub fn cells(&self, vectors: Tensor<2>) -> Result<Option<Vec<i64>>> {
        self.kind.store().cells(&self.accept("vectors", vectors)?)
    }

    /// Finds the `count` nearest coarse cells of each of `vectors` `[n, d]`, nearest first: the cells
    /// [`Self::add_to_lists`] stores them in. `None` without an inverted file; rows are shorter where an
    /// `HNSW` graph reaches fewer cells.
    ///
    /// # Errors
    /// The errors of [`Self::cells`]; `count` not in `1..=nlist`.
    pub fn nearest_cells(&self, vectors: Tensor<2>, count: usize) -> Result<Option<Vec<Vec<i64>>>> {
        self.kind.store().nearest_cells(&self.accept("vectors", vectors)?, count)
    }

    /// Coarse centroids `[nlist, d]`, mapped back through the transforms, on the index's device; `None`
    /// without an inverted file. Behind transforms with orthonormal rows (rotations, `PCA`, `OPQ`), distances
    /// to them keep their order: they change by a term common to all centroids.
    ///
    /// # Errors
    /// A transform that cannot be inverted.
    pub fn centroids(&self) -> Result<Option<Tensor<2>>> {
        let rows = self.kind.store().all_centroids()?;
        Ok(rows.map(|rows| upload(rows, self.d(), &self.device)))
    }

    /// Margins by which each of `vectors` `[n, d]` is nearer to the centroid `c` of its cell, given in
    /// `cells` `[n]`, than to any other centroid: `[n]`, negative for vectors that belong to another cell;
    /// `None` without an inverted file.
    ///
    /// The margin of `x` is `min |x - o| - |x - c|` over all other centroids `o`, with distances that are not
    /// squared: by the triangle inequality, `x` stays in its cell until it moves by half the margin. With the
    /// inner product it is `x.c - max x.o`. Behind transforms, margins are measured on the transformed
    /// vectors. With an `HNSW` coarse quantiser, only cells that a search reaches count. Infinite if `nlist`
    /// is 1.
    ///
    /// # Errors
    /// The errors of [`Self::cells`]; a cell outside `0..nlist`, or a number of cells other than `n`.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let index = Index::train(&"IVF4,PQ2".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// let cells = index.cells(vectors.clone())?.unwrap_or_default();
    /// let margins = index.cell_margins(vectors, &cells)?.unwrap_or_default();
    /// assert!(margins.iter().all(|&margin| margin >= 0.0));
    /// # Ok::<(), index::Error>(())
    /// ```
    pub fn cell_margins(&self, vectors: Tensor<2>, cells: &[i64]) -> Result<Option<Vec<f32>>> {
        self.kind.store().cell_margins(&self.accept("vectors", vectors)?, cells)
    }

    /// Targets: the points that the index stores, or would store, for each of `vectors` `[n, d]`, mapped back
    /// through the transforms, on the index's device. For [`Target::Reconstruction`] of `LSH` codes they
    /// include the sides of the hyperplanes.
    ///
    /// # Errors
    /// The errors of [`Self::cells`]; [`Error::NoCentroids`] for [`Target::Centroid`] without an inverted
    /// file; a transform that cannot be inverted.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use index::{Index, Target, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF4,PQ2".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// let target = index.target(vectors.clone(), Target::Reconstruction)?;
    /// index.add(vectors)?;
    /// let first: Vec<f32> = target.points.slice([0..1]).into_data().iter().collect();
    /// assert_eq!(first, index.reconstruct(0)?);
    /// # Ok::<(), index::Error>(())
    /// ```
    pub fn target(&self, vectors: Tensor<2>, kind: Target) -> Result<Aim> {
        let vectors = self.accept("vectors", vectors)?;
        let store = self.kind.store();
        let (rows, sides) = match kind {
            Target::Centroid => (store.centroids(&vectors)?.ok_or_else(|| self.lacks_centroids())?, None),
            Target::Reconstruction => (store.round_trip(&vectors)?, store.sides(&vectors)?),
        };
        let signs = sides.map(|sides| Signs::upload(sides, self.d(), &self.device));
        Ok(Aim { points: upload(rows, self.d(), &self.device), signs })
    }

    /// Dimension of the vectors.
    pub fn d(&self) -> usize {
        self.kind.store().d()
    }

    /// Number of vectors stored.
    pub fn ntotal(&self) -> usize {
        self.kind.store().ntotal()
    }

    /// Number of coarse cells; `None` without an inverted file.
    pub fn nlist(&self) -> Option<usize> {
        self.kind.store().coarse().map(|coarse| coarse.nlist)
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

    /// Opens an index in faiss's format, with its quantisers on `device`.
    ///
    /// Codes and ids are mapped into memory, not read: opening reads the quantisers only, and a search reads
    /// the pages it touches. The file must not be changed in place meanwhile; replacing it, as
    /// [`Self::write`] does, is safe.
    ///
    /// # Errors
    /// [`Error::File`], which adds the path to an I/O error or to an error of [`Self::from_bytes`].
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let read = || {
            let file: File = open_regular(path)?;
            Self::read(Source::map(file)?, device)
        };
        read().map_err(|error: Error| error.in_file(path))
    }

    /// Reads an index in faiss's format from memory.
    ///
    /// # Errors
    /// An unsupported kind, a field out of range, too few bytes or too many. Allocations never exceed the
    /// bytes a field actually has.
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self> {
        Self::read(Source::new(bytes), device)
    }

    fn read(source: Source, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        Ok(Self::new(read_index(source, &device)?, device))
    }

    fn new(kind: Kind, device: Device) -> Self {
        Self { kind, device, on_device: OnceLock::new() }
    }

    /// Mutable access to the entries; drops the copy on the device.
    fn store_mut(&mut self) -> &mut dyn Store {
        self.on_device = OnceLock::new();
        self.kind.store_mut()
    }

    fn on_device(&self) -> Option<&DeviceIndex> {
        let new = || DeviceIndex::new(&self.kind, &self.device).map(Arc::new);
        get_or_make(&self.on_device, new).as_deref()
    }

    /// Atomically replaces the file at `path` by this index in faiss's format.
    ///
    /// # Errors
    /// [`Error::File`] with the path; an existing file is then unchanged.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use index::{Index, TrainConfig};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("flat.index");
    /// let vectors = Tensor::<2>::from_floats([[1.0, 0.0], [0.6, 0.8]], &Device::flex());
    /// let mut index = Index::train(&"Flat".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// index.add(vectors)?;
    /// index.write(&path)?;
    /// assert_eq!(Index::open(&path, &Device::flex())?.reconstruct(1)?, [0.6, 0.8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, path: &Path) -> Result<()> {
        replace_file(path, |out| write_index(&self.kind, out))
            .map_err(|error| Error::from(error).in_file(path))
    }

    /// Writes the index in faiss's format to a stream.
    ///
    /// # Errors
    /// I/O errors of the stream.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        Ok(write_index(&self.kind, out)?)
    }

    fn accept(&self, what: &'static str, vectors: Tensor<2>) -> Result<Vectors<'static>> {
        Vectors::of_dimension(what, vectors, self.d())
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

    fn lacks_centroids(&self) -> Error {
        Error::NoCentroids { factory: self.factory().to_string() }
    }
}

fn no_ids_left(next: i64) -> Error {
    Error::argument("next id", "small enough that all new ids fit in i64", next)
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (d, ntotal, metric) = (self.d(), self.ntotal(), self.metric());
        write!(f, "Index({}, {metric}, d {d}, ntotal {ntotal})", self.factory())
    }
}
