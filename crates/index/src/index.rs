//! The index: one closed enum over the kinds, and everything that can be asked of it.

use std::fmt;
use std::io::{BufReader, Write};
use std::ops::Range;
use std::path::Path;

use burn::tensor::{Device, Tensor};

use crate::coarse::Coarse;
use crate::factory::NBITS;
use crate::faiss_file::{Source, read_index, write_index};
use crate::flat::Flat;
use crate::ivf_flat::IvfFlat;
use crate::ivf_pq::IvfPq;
use crate::replace::{open_regular, replace_file};
use crate::train::train;
use crate::vectors::{Vectors, upload};
use crate::{Error, Factory, Metric, Neighbours, Result, Target, TrainConfig, TrainProgress};

/// A trained index over vectors of one dimension `d`.
///
/// Vectors go in as tensors `[n, d]` of any float type on any device; they are cast to float32 and moved to the
/// index's device. They must be finite.
#[derive(Clone)]
pub enum Index {
    /// `Flat`.
    Flat(Flat),
    /// `IVF{nlist},Flat`.
    IvfFlat(IvfFlat),
    /// `IVF{nlist},PQ{m}`.
    IvfPq(IvfPq),
}

impl Index {
    /// Trains an empty index on `vectors` `[n, d]`, on the device that holds them.
    ///
    /// # Errors
    ///
    /// Fewer vectors than coarse centroids, or than 256 where there is a product quantiser; a vector that is
    /// not finite; a dimension that `m` does not divide; a failing device.
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

    /// As [`Self::train`], reporting every k-means iteration.
    ///
    /// # Errors
    ///
    /// Those of [`Self::train`].
    pub fn train_with_progress(
        factory: &Factory,
        vectors: Tensor<2>,
        config: &TrainConfig,
        progress: &mut dyn FnMut(TrainProgress),
    ) -> Result<Self> {
        let device = vectors.device().inner();
        let vectors = Vectors::new("training vectors", vectors, &device)?;
        train(factory, &vectors, config, &device, progress)
    }

    /// Adds `vectors` `[n, d]` under consecutive ids, which are returned: from `ntotal` on as in faiss, or from
    /// behind the largest id where ids of the caller's own reach further.
    ///
    /// # Errors
    ///
    /// Another dimension, a vector that is not finite, a failing device; the index is then unchanged.
    pub fn add(&mut self, vectors: Tensor<2>) -> Result<Range<i64>> {
        let vectors = self.accept("added vectors", vectors)?;
        match self {
            Self::Flat(flat) => Ok(flat.add(&vectors)),
            Self::IvfFlat(index) => {
                let cells = index.ivf.coarse.cells(&vectors)?;
                let codes = index.encode(&vectors);
                Ok(index.ivf.add(&cells, &codes))
            }
            Self::IvfPq(index) => {
                let cells = index.ivf.coarse.cells(&vectors)?;
                let codes = index.encode(&vectors, &cells)?;
                Ok(index.ivf.add(&cells, &codes))
            }
        }
    }

    /// Adds `vectors` `[n, d]` under `n` ids of the caller's, each at least 0. Ids may repeat.
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`]; another number of ids than of vectors; a negative id; in a flat index ids other
    /// than those that [`Self::add`] gives, and in one whose file has a direct map of array type any, because
    /// faiss's file could not express them.
    pub fn add_with_ids(&mut self, vectors: Tensor<2>, ids: &[i64]) -> Result<()> {
        let vectors = self.accept("added vectors", vectors)?;
        if ids.len() != vectors.n {
            return Err(Error::argument(
                "number of ids",
                format!("{}, one per vector", vectors.n),
                ids.len(),
            ));
        }
        match self {
            Self::Flat(flat) => flat.add_with_ids(&vectors, ids)?,
            Self::IvfFlat(index) => {
                index.ivf.check_ids(ids)?;
                let cells = index.ivf.coarse.cells(&vectors)?;
                let codes = index.encode(&vectors);
                index.ivf.add_with_ids(&cells, &codes, ids);
            }
            Self::IvfPq(index) => {
                index.ivf.check_ids(ids)?;
                let cells = index.ivf.coarse.cells(&vectors)?;
                let codes = index.encode(&vectors, &cells)?;
                index.ivf.add_with_ids(&cells, &codes, ids);
            }
        }
        Ok(())
    }

    /// The `k` nearest stored vectors of each of `queries` `[n, d]`, among those in the `nprobe` nearest cells;
    /// a flat index visits everything and ignores `nprobe`, and more than `nlist` cells are `nlist`.
    ///
    /// # Errors
    ///
    /// `k` or `nprobe` 0, another dimension, a query that is not finite, a failing device.
    pub fn search(&self, queries: Tensor<2>, k: usize, nprobe: usize) -> Result<Neighbours> {
        let queries = self.accept("queries", queries)?;
        match self {
            Self::Flat(flat) => flat.search(&queries, k),
            Self::IvfFlat(index) => index.search(&queries, k, nprobe),
            Self::IvfPq(index) => index.search(&queries, k, nprobe),
        }
    }

    /// What the index has stored under an id, decoded: `d` floats. Where an id was added more than once, one of
    /// its vectors.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownId`].
    pub fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        match self {
            Self::Flat(flat) => flat.reconstruct(id),
            Self::IvfFlat(index) => index.reconstruct(id),
            Self::IvfPq(index) => index.reconstruct(id),
        }
    }

    /// The nearest coarse cell of each of `vectors` `[n, d]`: `[n]`, in `0..nlist`; `None` for a flat index.
    ///
    /// # Errors
    ///
    /// Another dimension, a vector that is not finite, a failing device.
    pub fn cells(&self, vectors: Tensor<2>) -> Result<Option<Vec<i64>>> {
        let vectors = self.accept("vectors", vectors)?;
        self.coarse().map(|coarse| coarse.cells(&vectors)).transpose()
    }

    /// What the index stores, or would store, for each of `vectors` `[n, d]`: `[n, d]` on the index's device.
    ///
    /// # Errors
    ///
    /// Those of [`Self::cells`]; [`Error::NoCentroids`] where a flat index is asked for [`Target::Centroid`].
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use index::{Index, Target, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF4,PQ2".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// let target = index.target(vectors.clone(), Target::Reconstruction)?;
    /// index.add(vectors)?;
    /// let first: Vec<f32> = target.slice([0..1]).into_data().iter().collect();
    /// assert_eq!(first, index.reconstruct(0)?);
    /// # Ok::<(), index::Error>(())
    /// ```
    pub fn target(&self, vectors: Tensor<2>, kind: Target) -> Result<Tensor<2>> {
        let vectors = self.accept("vectors", vectors)?;
        let rows = match (kind, self) {
            (Target::Centroid, _) => {
                let coarse = self.coarse().ok_or_else(|| self.lacks_centroids())?;
                coarse.gather(&coarse.cells(&vectors)?)
            }
            (Target::Reconstruction, Self::Flat(_) | Self::IvfFlat(_)) => return Ok(vectors.tensor),
            (Target::Reconstruction, Self::IvfPq(index)) => {
                let cells = index.ivf.coarse.cells(&vectors)?;
                index.decode(&index.encode(&vectors, &cells)?, &cells)
            }
        };
        Ok(upload(rows, self.d(), &self.device()))
    }

    /// Dimension of the vectors.
    pub fn d(&self) -> usize {
        match self {
            Self::Flat(flat) => flat.d,
            Self::IvfFlat(index) => index.ivf.coarse.d,
            Self::IvfPq(index) => index.ivf.coarse.d,
        }
    }

    /// Number of vectors stored.
    pub fn ntotal(&self) -> usize {
        match self {
            Self::Flat(flat) => flat.ntotal(),
            Self::IvfFlat(index) => index.ivf.lists.ntotal(),
            Self::IvfPq(index) => index.ivf.lists.ntotal(),
        }
    }

    /// Number of coarse cells; `None` for a flat index.
    pub fn nlist(&self) -> Option<usize> {
        self.coarse().map(|coarse| coarse.nlist)
    }

    /// Whether codes are the vectors themselves.
    pub fn is_lossless(&self) -> bool {
        matches!(self, Self::Flat(_) | Self::IvfFlat(_))
    }

    /// The metric searched by.
    pub fn metric(&self) -> Metric {
        match self {
            Self::Flat(flat) => flat.metric,
            Self::IvfFlat(index) => index.ivf.coarse.metric,
            Self::IvfPq(index) => index.ivf.coarse.metric,
        }
    }

    /// The kind of index.
    pub fn factory(&self) -> Factory {
        match self {
            Self::Flat(_) => Factory::Flat,
            Self::IvfFlat(index) => Factory::IvfFlat { nlist: index.ivf.coarse.nlist },
            Self::IvfPq(index) => {
                Factory::IvfPq { nlist: index.ivf.coarse.nlist, m: index.pq.m, nbits: NBITS }
            }
        }
    }

    /// The device that quantises and scores.
    pub fn device(&self) -> Device {
        match self {
            Self::Flat(flat) => flat.device.clone(),
            Self::IvfFlat(index) => index.ivf.coarse.device().clone(),
            Self::IvfPq(index) => index.ivf.coarse.device().clone(),
        }
    }

    /// Reads an index in faiss's format and puts its quantisers on `device`.
    ///
    /// # Errors
    ///
    /// [`Error::File`], with the path, around what [`Self::from_bytes`] reports or the operating system.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let read = || {
            let file = open_regular(path)?;
            let length = file.metadata()?.len();
            read_index(Source::new(BufReader::with_capacity(1 << 20, file), length), &device.clone().inner())
        };
        read().map_err(|error| error.in_file(path))
    }

    /// Reads an index in faiss's format from memory.
    ///
    /// # Errors
    ///
    /// An unsupported kind, a field out of range, too few bytes or too many. Nothing larger than the bytes
    /// that a field really has is ever allocated for it.
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self> {
        read_index(Source::new(bytes, bytes.len() as u64), &device.clone().inner())
    }

    /// Replaces the file at `path` by this index in faiss's format, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::File`] with the path; the old file is then as it was.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use index::{Factory, Index, TrainConfig};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("flat.index");
    /// let vectors = Tensor::<2>::from_floats([[1.0, 0.0], [0.6, 0.8]], &Device::flex());
    /// let mut index = Index::train(&Factory::Flat, vectors.clone(), &TrainConfig::default())?;
    /// index.add(vectors)?;
    /// index.write(&path)?;
    /// assert_eq!(Index::open(&path, &Device::flex())?.reconstruct(1)?, [0.6, 0.8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, path: &Path) -> Result<()> {
        replace_file(path, |out| write_index(self, out)).map_err(|error| Error::from(error).in_file(path))
    }

    /// Writes the index in faiss's format to a stream.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        Ok(write_index(self, out)?)
    }

    fn coarse(&self) -> Option<&Coarse> {
        match self {
            Self::Flat(_) => None,
            Self::IvfFlat(index) => Some(&index.ivf.coarse),
            Self::IvfPq(index) => Some(&index.ivf.coarse),
        }
    }

    fn accept(&self, what: &'static str, vectors: Tensor<2>) -> Result<Vectors> {
        Vectors::of_dimension(what, vectors, self.d(), &self.device())
    }

    fn lacks_centroids(&self) -> Error {
        Error::NoCentroids { factory: self.factory().to_string() }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (d, ntotal, metric) = (self.d(), self.ntotal(), self.metric());
        write!(f, "Index({}, {metric}, d {d}, ntotal {ntotal})", self.factory())
    }
}
