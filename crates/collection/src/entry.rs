//! Entries: what a collection knows of each image.

use std::fmt;

use half::f16;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Fields that a caller keeps with an entry.
pub type Meta = Map<String, Value>;

/// SHA-256 of what an entry was made from, whole or its first 16 bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest(Box<[u8]>);

/// Bytes of a digest of descriptors. Half of SHA-256 tells 10^12 of them apart, and an entry has no other large field.
const SHORT: usize = 16;

impl Digest {
    /// Digest of the bytes of an original file.
    pub fn of_file(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).as_slice().into())
    }

    /// Digest by which an entry without an original is known in another collection, where it has another id.
    pub fn of_copy(entry: &Entry, descriptor: &[f16]) -> Self {
        let mut hash = Sha256::new();
        hash.update(entry.id.to_le_bytes());
        hash.update(entry.added.to_le_bytes());
        descriptor.iter().for_each(|value| hash.update(value.to_le_bytes()));
        hash.update(&entry.name);
        Self(hash.finalize()[..SHORT].into())
    }

    /// Digest of a descriptor that was added without its image.
    pub fn of_descriptor(descriptor: &[f32]) -> Self {
        let mut hash = Sha256::new();
        descriptor.iter().for_each(|value| hash.update(value.to_le_bytes()));
        Self(hash.finalize()[..SHORT].into())
    }

    /// Takes the bytes of a digest: 16 or 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        matches!(bytes.len(), SHORT | 32).then(|| Self(bytes.into()))
    }

    /// Bytes of the digest: 16 or 32.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// State of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Found by searches.
    Live,
    /// Not found, until it is restored.
    Withdrawn,
    /// Withdrawn, and dropped by a compaction; only its row is left.
    Dropped,
}

impl State {
    /// Number of the state where entries are kept: 0, 1 or 2.
    pub fn number(self) -> i64 {
        match self {
            Self::Live => 0,
            Self::Withdrawn => 1,
            Self::Dropped => 2,
        }
    }

    /// State of a number; `None` for a number that is none.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Live, Self::Withdrawn, Self::Dropped].into_iter().find(|state| state.number() == number)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Withdrawn => "withdrawn",
            Self::Dropped => "dropped",
        })
    }
}

/// Largest number of bytes of a witness: 64 KiB.
pub const WITNESS_BYTES: usize = 64 << 10;

/// Largest number of bytes of an entry's fields, as JSON, after [`Collection::set_meta`](crate::Collection::set_meta): 64 KiB.
pub const META_BYTES: usize = 64 << 10;

/// Entry to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Name shown to users; need not be unique.
    pub name: String,
    /// Digest of the original, by which it is known again.
    pub original: Option<Digest>,
    /// Path of the released file; `None` for an image that is public as it is.
    pub file: Option<String>,
    /// True while the released file is not yet at its path, see [`Engine::mark_written`](crate::Engine::mark_written).
    pub pending: bool,
    /// Fields kept with the entry.
    pub meta: Meta,
    /// Bytes by which a match is confirmed, of the kind that the collection was created for; at most [`WITNESS_BYTES`].
    pub witness: Option<Vec<u8>>,
}

impl NewEntry {
    /// Entry of an image that is public as it is.
    pub fn added(name: impl Into<String>, original: Option<Digest>) -> Self {
        Self { name: name.into(), original, file: None, pending: false, meta: Meta::new(), witness: None }
    }
}

/// Entry of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Id, unique in the collection and never given twice.
    pub id: i64,
    /// Name shown to users.
    pub name: String,
    /// Digest of the original.
    pub original: Option<Digest>,
    /// State of the entry.
    pub state: State,
    /// Path of the released file; `None` for an image that was added as it is.
    pub file: Option<String>,
    /// True if the released file was not yet at its path when its writer was last heard of.
    pub pending: bool,
    /// Time at which the entry was stored, in seconds since 1970.
    pub added: i64,
    /// Fields kept with the entry.
    pub meta: Meta,
}

impl Entry {
    /// Returns true if an entry of another collection is this one, as far as ids, names and originals tell. It is asked where no
    /// original tells for certain.
    pub fn is_same_row(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name && self.original == other.original
    }
}

/// Outcome of storing one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// The entry is stored under this id.
    New(i64),
    /// An entry with this original was pending; it now has the new file, descriptor and fields.
    Completed(i64),
    /// An entry with this original exists, and nothing was stored.
    Known(Entry),
}

impl Stored {
    /// Id of the entry that stands for the image.
    pub fn id(&self) -> i64 {
        match self {
            Self::New(id) | Self::Completed(id) => *id,
            Self::Known(entry) => entry.id,
        }
    }
}
