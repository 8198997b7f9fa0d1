//! Places of collections: folders, or prefixes on an object store.

use std::{
    env,
    ops::Range,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use active_index_collection::{Collection, Result};
use burn::tensor::Device;
use index::{Index, Metric};
use tempfile::TempDir;

/// Quantiser of most tests.
pub const FACTORY: &str = "IVF16,PQ4x8";

/// Quantisers of all structures that this engine keeps.
pub const FACTORIES: [(&str, Metric); 2] = [(FACTORY, Metric::L2), ("IVF24,PQ8x8", Metric::L2)];

/// Time after which other processes read a change: a version is the latest one of at most 200 ms ago.
pub const SEEN_BY_OTHERS: Duration = Duration::from_millis(250);

/// Milliseconds after which a process is killed: as long as some changes take.
pub const KILLED_AFTER: Range<u64> = 100..1500;

/// Most commits of a writer beside readers: each makes a fragment, and a list of them all would otherwise grow faster than it
/// is read.
pub const WRITES_BESIDE_READERS: u64 = 60;

/// Environment variable with the address below which places are; in its absence they are folders.
pub const PLACES: &str = "LANCE_PLACES";

/// Place for one collection.
pub struct Place {
    address: String,
    /// Removed with the place that made it.
    _folder: Option<TempDir>,
}

impl Place {
    /// A place where nothing is.
    pub fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let Ok(places) = env::var(PLACES) else { return Self::in_folder() };
        let (process, number) = (process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self { address: format!("{places}/{process}-{number}.lance"), _folder: None }
    }

    /// A folder where nothing is.
    pub fn in_folder() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("shop.lance").into_os_string();
        Self { address: path.into_string().expect("a path of text"), _folder: Some(folder) }
    }

    /// Place of another process.
    pub fn at(address: String) -> Self {
        Self { address, _folder: None }
    }

    /// Address of the place, for another process.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Creates the collection.
    pub fn create(&self, quantiser: &Index, witness_kind: Option<&str>) -> Result<Collection> {
        collection_lance::create(&self.address, quantiser, witness_kind).map(Collection::new)
    }

    /// Opens the collection as another process would.
    pub fn try_open(&self) -> Result<Collection> {
        collection_lance::open(&self.address, &Device::flex()).map(Collection::new)
    }

    /// Opens the collection as another process would.
    pub fn open(&self) -> Collection {
        self.try_open().expect("opens")
    }
}
