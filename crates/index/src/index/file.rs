//! Index files in faiss's format: opening, reading and writing.

use std::{fs::File, io::Write, path::Path};

use burn::tensor::Device;

use super::{Index, entries::inverted};
use crate::{
    error::{Error, Result},
    files::{
        faiss::{Source, read_index, write_index},
        regular_file::open_regular,
    },
    kinds::Kind,
};

impl Index {
    /// Opens an index in faiss's format, with its quantisers on `device`.
    ///
    /// Codes and ids are mapped into memory, not read: opening reads the quantisers only, and a search reads
    /// the pages it touches. The file must not be changed in place meanwhile; replacing it, as
    /// [`Self::write`] does, is safe. Inverted lists in a file of their own are mapped from the path that the
    /// index has for it, or from the file of that name in the folder of the index.
    ///
    /// # Errors
    /// [`Error::File`], which adds the path to an I/O error or to an error of [`Self::from_bytes`].
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let read = || {
            let file: File = open_regular(path)?;
            // Side files belong to the file that a link leads to.
            let folder = path.canonicalize()?.parent().map(Path::to_owned);
            Self::read(Source::map(file)?, device, folder.as_deref())
        };
        read().map_err(|error: Error| error.in_file(path))
    }

    /// Reads an index in faiss's format from memory.
    ///
    /// # Errors
    /// An unsupported kind, a field out of range, too few bytes or too many. Allocations never exceed the
    /// bytes a field actually has.
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self> {
        Self::read(Source::new(bytes), device, None)
    }

    fn read(source: Source, device: &Device, folder: Option<&Path>) -> Result<Self> {
        let device = device.clone().inner();
        Ok(Self::new(read_index(source, &device, folder)?, device))
    }

    /// File that the inverted lists were read from, if it is not the index's own (faiss's
    /// `OnDiskInvertedLists`). [`Self::write`] writes the lists into the file of the index, which no longer
    /// needs the other one.
    pub fn lists_file(&self) -> Option<&Path> {
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => ivf.lists.file.as_deref(),
            _ => None,
        }
    }

    /// Atomically replaces the file at `path` by this index in faiss's format.
    ///
    /// # Errors
    /// [`Error::File`] with the path; an existing file is then unchanged.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use active_index_index::{Index, TrainConfig};
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
        atomic_file::replace(path, |out| write_index(&self.kind, out))
            .map_err(|error| Error::from(error).in_file(path))
    }

    /// Writes the index in faiss's format to a stream.
    ///
    /// # Errors
    /// I/O errors of the stream.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        Ok(write_index(&self.kind, out)?)
    }
}
