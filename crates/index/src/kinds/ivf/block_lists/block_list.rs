//! One inverted list of codes packed in blocks.

use std::collections::HashSet;

use crate::{
    kernels::{
        fast_scan::{BLOCK, KSUB},
        packing::{code_at, set_code},
    },
    kinds::ivf::entry_ids::EntryIds,
    stored_bytes::Bytes,
};

/// Entries of one cell. Removals move the last entry into the gap.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct BlockList {
    /// `[len.div_ceil(32), block_size]` bytes, see [`crate::kernels::packing`]; slots past the last entry are
    /// arbitrary.
    pub codes: Bytes,
    pub ids: EntryIds,
}

impl BlockList {
    /// Appends an entry and returns its offset; all codes of a list have the same size.
    pub fn push(&mut self, code: &[u8], id: i64) -> usize {
        let offset = self.ids.len();
        if offset.is_multiple_of(BLOCK) {
            self.codes.to_mut().resize((offset / BLOCK + 1) * code.len() * 2 * KSUB, 0);
        }
        self.ids.push(id);
        set_code(self.codes.to_mut(), offset, code);
        offset
    }

    /// Code of entry `offset < len`: `code_size` bytes.
    pub fn unpack(&self, offset: usize, code_size: usize) -> Vec<u8> {
        code_at(&self.codes, offset, code_size)
    }

    /// Removes entry `offset < len` and moves the last one into its place, as in faiss.
    fn swap_remove(&mut self, offset: usize, code_size: usize) {
        let last = self.ids.len() - 1;
        if offset != last {
            let code = self.unpack(last, code_size);
            set_code(self.codes.to_mut(), offset, &code);
        }
        self.ids.swap_remove(offset);
        self.codes.to_mut().truncate(last.div_ceil(BLOCK) * code_size * 2 * KSUB);
    }

    /// Removes all entries whose id is in `ids`, in faiss's order, and returns their number.
    pub fn remove(&mut self, code_size: usize, ids: &HashSet<i64>) -> usize {
        let before = self.ids.len();
        let mut offset = 0;
        while offset < self.ids.len() {
            if ids.contains(&self.ids.get(offset)) {
                self.swap_remove(offset, code_size);
            } else {
                offset += 1;
            }
        }
        before - self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::{
        kernels::packing::{block_size, code_size, join_nibbles},
        quantise::random_streams::seeded,
    };

    /// `[n, code_size]`.
    fn random_codes(n: usize, m: usize) -> Vec<u8> {
        let mut rng = seeded(8, m as u64);
        let codewords: Vec<u8> = (0..n * m).map(|_| rng.random_range(0..16u8)).collect();
        join_nibbles(&codewords, m)
    }

    fn packed(codes: &[u8], m: usize) -> BlockList {
        let mut list = BlockList::default();
        for (id, code) in codes.chunks_exact(code_size(m)).enumerate() {
            assert_eq!(list.push(code, id as i64), id);
        }
        list
    }

    #[test]
    fn every_code_is_unpacked_unchanged() {
        for m in [1, 2, 7, 8, 64] {
            for n in [0, 1, 16, 31, 32, 33, 100] {
                let codes = random_codes(n, m);
                let list = packed(&codes, m);
                assert_eq!(list.codes.len(), n.div_ceil(BLOCK) * block_size(m));
                let unpacked: Vec<u8> = (0..n).flat_map(|i| list.unpack(i, code_size(m))).collect();
                assert_eq!(unpacked, codes);
            }
        }
    }

    #[test]
    fn the_last_entry_takes_the_place_of_a_removed_one() {
        let (m, n) = (5, 70);
        let codes = random_codes(n, m);
        let mut list = packed(&codes, m);
        assert_eq!(list.remove(code_size(m), &(0..70).filter(|id| id % 3 == 0).collect()), 24);
        assert_eq!(list.ids.iter().take(4).collect::<Vec<_>>(), [68, 1, 2, 67]);
        assert_eq!((list.ids.len(), list.codes.len()), (46, 2 * block_size(m)));
        for (offset, id) in list.ids.iter().enumerate() {
            assert!(id % 3 != 0);
            assert_eq!(list.unpack(offset, code_size(m)), codes[id as usize * 3..][..3]);
        }
        assert_eq!(list.remove(code_size(m), &(0..70).collect()), 46);
        assert_eq!(list, BlockList::default());
    }

    #[test]
    fn entries_can_follow_removed_ones() {
        let codes = random_codes(40, 4);
        let mut list = packed(&codes, 4);
        list.remove(2, &(21..40).collect());
        list.push(&codes[60..62], 30);
        assert_eq!(list.unpack(21, 2), codes[60..62]);
        assert_eq!(list.unpack(20, 2), codes[40..42]);
    }
}
