//! Stored codes and ids: owned bytes, or a range of a memory-mapped file.

use std::{
    fmt,
    ops::{Deref, Range},
    sync::Arc,
};

use crate::kernels::Map;

/// Bytes that become owned on the first change.
#[derive(Clone)]
pub(crate) enum Bytes {
    Owned(Vec<u8>),
    Mapped { map: Arc<Map>, range: Range<usize> },
}

impl Bytes {
    /// Mutable access to the bytes; copies a mapped range first.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Self::Mapped { .. } = self {
            *self = Self::Owned(self.to_vec());
        }
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped { .. } => unreachable!("owned above"),
        }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Owned(Vec::new())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped { map, range } => &map[range.clone()],
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// Little-endian bytes of `values`.
pub(crate) fn floats_to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Floats of little-endian `bytes`, the inverse of [`floats_to_bytes`].
pub(crate) fn bytes_to_floats(bytes: &[u8]) -> impl ExactSizeIterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes))
}
