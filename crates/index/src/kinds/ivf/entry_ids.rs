//! Ids of the entries of one inverted list.

use crate::stored_bytes::Bytes;

/// Bytes of one id.
const ID_SIZE: usize = size_of::<i64>();

/// Ids in the order of the entries, `len` little-endian i64.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EntryIds(Bytes);

impl EntryIds {
    /// Takes ids as they are stored, 8 bytes each.
    pub fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The ids as they are stored, 8 bytes each.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len() / ID_SIZE
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Id of entry `offset < len`.
    pub fn get(&self, offset: usize) -> i64 {
        i64::from_le_bytes(*self.stored(offset))
    }

    /// Bytes of the id of entry `offset < len`.
    pub fn stored(&self, offset: usize) -> &[u8; ID_SIZE] {
        &self.0.as_chunks().0[offset]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator {
        self.0.as_chunks().0.iter().map(|&id| i64::from_le_bytes(id))
    }

    pub fn push(&mut self, id: i64) {
        self.0.to_mut().extend_from_slice(&id.to_le_bytes());
    }

    pub fn extend(&mut self, ids: impl Iterator<Item = i64>) {
        self.0.to_mut().extend(ids.flat_map(i64::to_le_bytes));
    }

    /// Removes the id of entry `offset < len` and moves the last one into its place.
    pub fn swap_remove(&mut self, offset: usize) {
        let last = self.len() - 1;
        let ids = self.0.to_mut();
        ids.copy_within(last * ID_SIZE.., offset * ID_SIZE);
        ids.truncate(last * ID_SIZE);
    }
}

impl FromIterator<i64> for EntryIds {
    fn from_iter<I: IntoIterator<Item = i64>>(ids: I) -> Self {
        Self(Bytes::Owned(ids.into_iter().flat_map(i64::to_le_bytes).collect()))
    }
}

/// Next free id: `ntotal` as in faiss, or one more than the largest id if caller-supplied ids are larger.
pub(crate) fn next_id(ids: impl Iterator<Item = i64>, ntotal: usize) -> i64 {
    ids.max().map_or(0, |id| id.saturating_add(1)).max(ntotal as i64)
}
