//! One inverted list of contiguous codes.

use std::collections::HashSet;

use crate::{kinds::ivf::entry_ids::EntryIds, stored_bytes::Bytes};

/// Entries of one cell in the order of insertion.
#[derive(Clone, Default)]
pub(crate) struct ArrayList {
    /// `len * code_size` bytes.
    pub codes: Bytes,
    pub ids: EntryIds,
}

impl ArrayList {
    /// Appends an entry and returns its offset.
    pub fn push(&mut self, code: &[u8], id: i64) -> usize {
        self.codes.to_mut().extend_from_slice(code);
        self.ids.push(id);
        self.ids.len() - 1
    }

    /// Appends the entries of another list, adding `shift` to their ids.
    pub fn append(&mut self, other: &Self, shift: i64) {
        if !other.ids.is_empty() {
            self.codes.to_mut().extend_from_slice(&other.codes);
            self.ids.extend(other.ids.iter().map(|id| id.saturating_add(shift)));
        }
    }

    /// Removes the entries whose id is in `ids` and returns their number; the others keep their order.
    pub fn remove(&mut self, code_size: usize, ids: &HashSet<i64>) -> usize {
        let kept = self.ids.iter().enumerate().filter(|(_, id)| !ids.contains(id));
        let kept: Vec<usize> = kept.map(|(offset, _)| offset).collect();
        let removed = self.ids.len() - kept.len();
        if removed == 0 {
            return 0;
        }
        let code = |&entry: &usize| &self.codes[entry * code_size..(entry + 1) * code_size];
        let codes = kept.iter().flat_map(code).copied().collect();
        let ids = kept.iter().map(|&entry| self.ids.get(entry)).collect();
        *self = Self { codes: Bytes::Owned(codes), ids };
        removed
    }
}
