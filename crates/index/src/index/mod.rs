//! The index: everything that can be asked of it, whatever its kind.

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

/// Vectors added at once: what is computed on the way takes a small multiple of their size.
const ADD_BLOCK: usize = 16 << 10;

/// A trained index over vectors of one dimension `d`.
///
/// Vectors go in as tensors `[n, d]` of any float type on any device; they must be finite.
#[derive(Clone)]
pub struct Index {
    pub(crate) kind: Kind,
    /// Where quantisers assign and decoded vectors go.
    pub(crate) device: Device,
    /// What searches on the device need there, since the last change; `None` inside: the host searches.
    on_device: OnceLock<Option<Arc<DeviceIndex>>>,
}

/// What becomes of the ids of entries that are merged into another index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MergedIds {
    /// All are raised by the one number that puts the least id 0 right behind the largest of the other index; where
    /// ids are positions this is the only way.
    #[default]
    Behind,
    /// They stay as they are, whether or not the other index has the same ones. Not where ids are positions.
    Kept,
}

impl Index {
    /// Trains an empty index on `vectors` `[n, d]`, on the device that holds them.
    ///
    /// # Errors
    /// Fewer vectors than coarse centroids, or than codewords where there is a product quantiser; a vector that
    /// is not finite; a dimension that the factory's numbers do not fit; a failing device.
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

    /// As [`Self::train`], reporting every iteration.
    ///
    /// # Errors
    /// Those of [`Self::train`].
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

    /// Adds `vectors` `[n, d]` under consecutive ids, which are returned: from `ntotal` on as in faiss, or from
    /// behind the largest id where ids of the caller's own reach further.
    ///
    /// # Errors
    /// Another dimension, a vector that is not finite, fewer ids left than vectors: the index is then unchanged. A
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

    /// Adds `vectors` `[n, d]` under `n` ids of the caller's, each at least 0. Ids may repeat.
    ///
    /// # Errors
    /// Those of [`Self::add`]; another number of ids than of vectors; a negative id; in an index without inverted
    /// file ids other than those that [`Self::add`] gives, and in one whose file has a direct map of array type
    /// any, because faiss's file could not express them.
    pub fn add_with_ids(&mut self, vectors: Tensor<2>, ids: &[i64]) -> Result<()> {
        self.add_to_lists(vectors, ids, 1)
    }

    /// Adds `vectors` `[n, d]` under `n` ids of the caller's, each to the lists of its `lists` nearest cells: an entry in
    /// each, of the vector less that list's centroid where codes are of residuals. A search that finds several entries of
    /// an id names it once, at the nearest. The file stays one of faiss's, which names it as often as it finds it.
    ///
    /// # Errors
    /// Those of [`Self::add_with_ids`]; no lists or more than there are; [`Error::Unsupported`] for more than one without an
    /// inverted file, and with `RFlat`.
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

    /// Removes every entry that carries one of `ids` and says how many there were. Where ids are positions (no
    /// inverted file), those behind move up, as in faiss.
    ///
    /// # Errors
    /// An `RFlat` index over an inverted file, whose ids must stay positions.
    pub fn remove(&mut self, ids: &[i64]) -> Result<usize> {
        self.store_mut().remove(&ids.iter().copied().collect())
    }

    /// Moves all entries of `other` into this index.
    ///
    /// # Errors
    /// Other quantisers: nothing tells then what the codes of one mean in the other. [`MergedIds::Kept`] where ids
    /// are positions, ids raised beyond the largest i64. The index is then unchanged.
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

    /// The `k` nearest stored vectors of each of `queries` `[n, d]`, among those in the `nprobe` nearest cells;
    /// an index without inverted file visits everything and ignores `nprobe`, and more than `nlist` cells are
    /// `nlist`. An id that several entries carry is found once.
    ///
    /// On another device than the CPU distances come from float32 matrix products there, and equally near
    /// neighbours may be others; see [`Self::search_on_device`] for what the host searches nevertheless.
    ///
    /// # Errors
    /// `k` or `nprobe` 0, another dimension, a query that is not finite, a failing device.
    pub fn search(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<Neighbours> {
        let on_device = self.device != Device::flex() && k <= MAX_K && queries.dims()[0] > 0;
        if let Some(index) = on_device.then(|| self.on_device()).flatten() {
            let found = index.search(queries.clone(), k, nprobe)?;
            // A device does not tell entries of one id from others.
            if !found.repeat() {
                return Ok(found);
            }
        }
        self.kind.store().search(self.accept("queries", queries)?, k, nprobe)
    }

    /// As [`Self::search`], with results that stay on the index's device, so that nothing is read back.
    /// Queries that are not finite go unnoticed: theirs are any neighbours. An id that several entries carry is found as
    /// often.
    ///
    /// # Errors
    /// `k` 0 or above 128, `nprobe` 0, another dimension, no queries. [`Error::Unsupported`] where only the
    /// host can search: `LSH`, fast scan, `HNSW`, `RFlat`, and what exceeds 2^31 numbers on the device.
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

    /// Reads the results of [`Self::search_on_device`] back and names them by their ids. The index must not have
    /// changed since.
    ///
    /// # Errors
    /// Positions behind the last entry; [`Error::Unsupported`] as for the search; a failing device.
    pub fn read_neighbours(&self, found: DeviceNeighbours) -> Result<Neighbours> {
        self.require_on_device()?.read(found)
    }

    fn require_on_device(&self) -> Result<&DeviceIndex> {
        self.on_device().ok_or_else(|| Error::Unsupported {
            factory: self.factory().to_string(),
            operation: "searching on a device",
        })
    }

    /// All stored vectors nearer to each of `queries` `[n, d]` than `radius`, among those in the `nprobe` nearest
    /// cells: with squared L2 distances below it, or inner products above it.
    ///
    /// # Errors
    /// Those of [`Self::search`]; a radius that is not a number.
    pub fn range_search(&self, queries: Tensor<2>, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        if radius.is_nan() {
            return Err(Error::argument("radius", "a number", radius));
        }
        self.kind.store().range_search(&self.accept("queries", queries)?, radius, nprobe)
    }

    /// What the index has stored under an id, decoded: `d` floats. Where an id was added more than once, one of
    /// its vectors.
    ///
    /// # Errors
    /// [`Error::UnknownId`]; transforms that cannot be undone.
    pub fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        self.kind.store().reconstruct(id)
    }

    /// The nearest coarse cell of each of `vectors` `[n, d]`: `[n]`, in `0..nlist`; `None` without inverted file.
    ///
    /// # Errors
    /// Another dimension, a vector that is not finite, a failing device.
    pub fn cells(&self, vectors: Tensor<2>) -> Result<Option<Vec<i64>>> {
        self.kind.store().cells(&self.accept("vectors", vectors)?)
    }

    /// The `count` nearest coarse cells of each of `vectors` `[n, d]`, nearest first: where [`Self::add_to_lists`] stores
    /// them. `None` without inverted file; fewer of an `HNSW` graph that does not lead to as many.
    ///
    /// # Errors
    /// Those of [`Self::cells`]; none or more cells than there are.
    pub fn nearest_cells(&self, vectors: Tensor<2>, count: usize) -> Result<Option<Vec<Vec<i64>>>> {
        self.kind.store().nearest_cells(&self.accept("vectors", vectors)?, count)
    }

    /// The coarse centroids `[nlist, d]`, brought back through transforms, on the index's device; `None` without inverted
    /// file. Behind transforms whose rows are orthonormal (rotations, `PCA`, `OPQ`) they are as far from each other's
    /// vectors as before, up to a term that all of them share.
    ///
    /// # Errors
    /// Transforms that cannot be undone.
    pub fn centroids(&self) -> Result<Option<Tensor<2>>> {
        let rows = self.kind.store().all_centroids()?;
        Ok(rows.map(|rows| upload(rows, self.d(), &self.device)))
    }

    /// By how much each of `vectors` `[n, d]` is nearer to the centroid `c` of its cell of `cells` `[n]` than to that of any
    /// other: `[n]`, negative for vectors of another cell; `None` without inverted file.
    ///
    /// The margin of `x` is `min |x - o| - |x - c|` over all other centroids `o`, of distances that are not squared: by the
    /// triangle inequality `x` stays in its cell until it moves by half of the margin. With the inner product it is
    /// `x.c - max x.o`. Behind transforms the vectors are transformed ones. Of the cells of an `HNSW` graph those count
    /// that a search finds. Infinite where there is one cell.
    ///
    /// # Errors
    /// Those of [`Self::cells`]; cells that do not exist or are not one of each vector.
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

    /// What the index stores, or would store, for each of `vectors` `[n, d]`, on the index's device: points of
    /// dimension `d`, brought back through transforms, and for [`Target::Reconstruction`] of `LSH` codes the sides of
    /// hyperplanes.
    ///
    /// # Errors
    /// Those of [`Self::cells`]; [`Error::NoCentroids`] where an index without inverted file is asked for
    /// [`Target::Centroid`]; transforms that cannot be undone.
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

    /// Number of coarse cells; `None` without inverted file.
    pub fn nlist(&self) -> Option<usize> {
        self.kind.store().coarse().map(|coarse| coarse.nlist)
    }

    /// Whether codes are the vectors themselves.
    pub fn is_lossless(&self) -> bool {
        self.kind.store().is_lossless()
    }

    /// The metric searched by.
    pub fn metric(&self) -> Metric {
        self.kind.store().metric()
    }

    /// The kind of index.
    pub fn factory(&self) -> Factory {
        self.kind.store().factory()
    }

    /// The device that assigns and decodes.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// Opens an index in faiss's format; its quantisers are made ready on `device`.
    ///
    /// Codes and ids are not read but mapped into memory: opening costs the quantisers alone, and searching the
    /// pages that it touches. The file must not be changed in place meanwhile; replacing it, as [`Self::write`]
    /// does, is harmless.
    ///
    /// # Errors
    /// [`Error::File`], with the path, around what [`Self::from_bytes`] reports or the operating system.
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
    /// An unsupported kind, a field out of range, too few bytes or too many. Nothing larger than the bytes
    /// that a field really has is ever allocated for it.
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

    /// The entries for changing: what the device holds of them is out of date then.
    fn store_mut(&mut self) -> &mut dyn Store {
        self.on_device = OnceLock::new();
        self.kind.store_mut()
    }

    fn on_device(&self) -> Option<&DeviceIndex> {
        let new = || DeviceIndex::new(&self.kind, &self.device).map(Arc::new);
        get_or_make(&self.on_device, new).as_deref()
    }

    /// Replaces the file at `path` by this index in faiss's format, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`] with the path; the old file is then as it was.
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
    /// Those of the stream.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        Ok(write_index(&self.kind, out)?)
    }

    fn accept(&self, what: &'static str, vectors: Tensor<2>) -> Result<Vectors<'static>> {
        Vectors::of_dimension(what, vectors, self.d())
    }

    /// Vectors to add under as many ids.
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
    Error::argument("next id", "so far below the largest i64 that all new entries get one", next)
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (d, ntotal, metric) = (self.d(), self.ntotal(), self.metric());
        write!(f, "Index({}, {metric}, d {d}, ntotal {ntotal})", self.factory())
    }
}
