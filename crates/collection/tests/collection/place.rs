//! Places of collections: folders.

use std::{ops::Range, path::Path, time::Duration};

use active_index_collection::{Collection, Result};
use burn::tensor::Device;
use index::{Index, Metric};
use tempfile::TempDir;

/// Quantiser of most tests.
pub const FACTORY: &str = "IVF16,PQ4x4";

/// Quantisers of all structures.
pub const FACTORIES: [(&str, Metric); 4] = [
    (FACTORY, Metric::L2),
    (FACTORY, Metric::InnerProduct),
    ("OPQ4_16,IVF16,PQ4x4", Metric::L2),
    ("IVF16_HNSW8,SQ8", Metric::L2),
];

/// Time after which other processes read a change: none, they read it at once.
pub const SEEN_BY_OTHERS: Duration = Duration::ZERO;

/// Milliseconds after which a process is killed: as long as some changes take.
pub const KILLED_AFTER: Range<u64> = 20..220;

/// Most commits of a writer beside readers.
pub const WRITES_BESIDE_READERS: u64 = u64::MAX;

/// Place for one collection.
pub struct Place {
    address: String,
    /// Removed with the place that made it.
    _folder: Option<TempDir>,
}

impl Place {
    /// A place where nothing is.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let address = folder.path().join("shop").into_os_string().into_string().expect("a path of text");
        Self { address, _folder: Some(folder) }
    }

    /// Place of another process.
    pub fn at(address: String) -> Self {
        Self { address, _folder: None }
    }

    /// Address of the place, for another process.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Path of the collection.
    pub fn path(&self) -> &Path {
        Path::new(&self.address)
    }

    /// Creates the collection.
    pub fn create(&self, quantiser: &Index, witness_kind: Option<&str>) -> Result<Collection> {
        match witness_kind {
            Some(kind) => Collection::create_with_witnesses(self.path(), quantiser, kind),
            None => Collection::create(self.path(), quantiser),
        }
    }

    /// Opens the collection as another process would.
    pub fn try_open(&self) -> Result<Collection> {
        Collection::open(self.path(), &Device::flex())
    }

    /// Opens the collection as another process would.
    pub fn open(&self) -> Collection {
        self.try_open().expect("opens")
    }
}
