//! Codes packed in blocks of 32, in the order in which the scan loads them.
//!
//! A block holds 16 bytes for each of `rows` sub-quantisers (`m` rounded up to even): byte `i` has the
//! codeword of slot `SLOT_OF_BYTE[i]` in its low half and that of slot `SLOT_OF_BYTE[i] + 16` in its high
//! half. An unpacked code is `m.div_ceil(2)` bytes: codeword `2 j` in the low half of byte `j`, codeword
//! `2 j + 1` in the high half.

use crate::{
    kernels::fast_scan::{BLOCK, KSUB, SLOT_OF_BYTE},
    stored_bytes::Bytes,
};

/// Bytes of one unpacked code.
pub(crate) fn code_size(m: usize) -> usize {
    m.div_ceil(2)
}

/// Bytes of one block.
pub(crate) fn block_size(m: usize) -> usize {
    m.next_multiple_of(2) * KSUB
}

/// Joins codewords, one per byte, to unpacked codes: `[n, m]` to `[n, code_size]`.
pub(crate) fn join_nibbles(codewords: &[u8], m: usize) -> Vec<u8> {
    let join = |pair: &[u8]| pair[0] | pair.get(1).map_or(0, |high| high << 4);
    codewords.chunks_exact(m.max(1)).flat_map(|code| code.chunks(2).map(join)).collect()
}

/// Bytes of one id.
const ID_SIZE: usize = size_of::<i64>();

/// Entries of one cell. Removals move the last entry into the gap.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PackedList {
    /// `[len.div_ceil(32), block_size]` bytes; slots past the last entry are arbitrary.
    pub codes: Bytes,
    /// `len` little-endian i64.
    pub ids: Bytes,
}

impl PackedList {
    pub fn len(&self) -> usize {
        self.ids.len() / ID_SIZE
    }

    /// Id of entry `offset` below [`Self::len`].
    pub fn id(&self, offset: usize) -> i64 {
        i64::from_le_bytes(self.ids.as_chunks().0[offset])
    }

    pub fn ids(&self) -> impl ExactSizeIterator<Item = i64> {
        self.ids.as_chunks().0.iter().map(|&id| i64::from_le_bytes(id))
    }

    /// Appends an entry and returns its offset; all codes of a list have the same size.
    pub fn push(&mut self, code: &[u8], id: i64) -> usize {
        let offset = self.len();
        if offset.is_multiple_of(BLOCK) {
            self.codes.to_mut().resize((offset / BLOCK + 1) * code.len() * 2 * KSUB, 0);
        }
        self.ids.to_mut().extend_from_slice(&id.to_le_bytes());
        self.set(offset, code);
        offset
    }

    /// Overwrites the code at `offset`, below [`Self::len`].
    pub fn set(&mut self, offset: usize, code: &[u8]) {
        let place = Place::of(offset);
        for (&byte, rows) in
            code.iter().zip(place.block_mut(self.codes.to_mut(), code.len()).chunks_exact_mut(2 * KSUB))
        {
            for (row, codeword) in rows.chunks_exact_mut(KSUB).zip([byte & 15, byte >> 4]) {
                let packed = &mut row[place.byte];
                *packed = *packed & !(15 << place.shift) | codeword << place.shift;
            }
        }
    }

    /// Code at `offset`, below [`Self::len`]: `code_size` bytes.
    pub fn unpack(&self, offset: usize, code_size: usize) -> Vec<u8> {
        let place = Place::of(offset);
        let rows = place.block(&self.codes, code_size).chunks_exact(2 * KSUB);
        let codeword = |row: &[u8]| row[place.byte] >> place.shift & 15;
        rows.map(|rows| codeword(&rows[..KSUB]) | codeword(&rows[KSUB..]) << 4).collect()
    }

    /// Removes the entry at `offset`, below [`Self::len`], and moves the last one into its place, as in
    /// faiss.
    pub fn swap_remove(&mut self, offset: usize, code_size: usize) {
        let last = self.len() - 1;
        if offset != last {
            let code = self.unpack(last, code_size);
            self.set(offset, &code);
        }
        let ids = self.ids.to_mut();
        ids.copy_within(last * ID_SIZE.., offset * ID_SIZE);
        ids.truncate(last * ID_SIZE);
        self.codes.to_mut().truncate(last.div_ceil(BLOCK) * code_size * 2 * KSUB);
    }

    /// Removes all entries whose id satisfies `removed`, in faiss's order, and returns their number.
    pub fn remove(&mut self, mut removed: impl FnMut(i64) -> bool, code_size: usize) -> usize {
        let before = self.len();
        let mut offset = 0;
        while offset < self.len() {
            if removed(self.id(offset)) {
                self.swap_remove(offset, code_size);
            } else {
                offset += 1;
            }
        }
        before - self.len()
    }
}

/// Location of an entry's codewords.
struct Place {
    block: usize,
    /// Byte in every row, below [`KSUB`].
    byte: usize,
    /// Bits below the codeword in the byte, 0 or 4.
    shift: u32,
}

impl Place {
    fn of(offset: usize) -> Self {
        let slot = offset % BLOCK;
        let low = slot % KSUB;
        let byte = SLOT_OF_BYTE.iter().position(|&of_byte| of_byte == low).unwrap_or(0);
        Self { block: offset / BLOCK, byte, shift: if slot < KSUB { 0 } else { 4 } }
    }

    fn block<'a>(&self, codes: &'a [u8], code_size: usize) -> &'a [u8] {
        let size = code_size * 2 * KSUB;
        &codes[self.block * size..][..size]
    }

    fn block_mut<'a>(&self, codes: &'a mut [u8], code_size: usize) -> &'a mut [u8] {
        let size = code_size * 2 * KSUB;
        &mut codes[self.block * size..][..size]
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::quantise::kmeans::seeded;

    /// `[n, code_size]`.
    fn random_codes(n: usize, m: usize) -> Vec<u8> {
        let mut rng = seeded(8, m as u64);
        let codewords: Vec<u8> = (0..n * m).map(|_| rng.random_range(0..16u8)).collect();
        join_nibbles(&codewords, m)
    }

    fn packed(codes: &[u8], m: usize) -> PackedList {
        let mut list = PackedList::default();
        for (id, code) in codes.chunks_exact(code_size(m)).enumerate() {
            assert_eq!(list.push(code, id as i64), id);
        }
        list
    }

    #[test]
    fn every_code_comes_back() {
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
    fn nibbles_are_joined_low_first() {
        assert_eq!(join_nibbles(&[1, 2, 3, 4, 5, 6], 3), [0x21, 0x03, 0x54, 0x06]);
    }

    #[test]
    fn the_last_entry_takes_the_place_of_a_removed_one() {
        let (m, n) = (5, 70);
        let codes = random_codes(n, m);
        let mut list = packed(&codes, m);
        assert_eq!(list.remove(|id| id % 3 == 0, code_size(m)), 24);
        assert_eq!(list.ids().take(4).collect::<Vec<_>>(), [68, 1, 2, 67]);
        assert_eq!((list.len(), list.codes.len()), (46, 2 * block_size(m)));
        for (offset, id) in list.ids().enumerate() {
            assert!(id % 3 != 0);
            assert_eq!(list.unpack(offset, code_size(m)), codes[id as usize * 3..][..3]);
        }
        assert_eq!(list.remove(|_| true, code_size(m)), 46);
        assert_eq!(list, PackedList::default());
    }

    #[test]
    fn entries_can_follow_removed_ones() {
        let codes = random_codes(40, 4);
        let mut list = packed(&codes, 4);
        list.remove(|id| id > 20, 2);
        list.push(&codes[60..62], 30);
        assert_eq!(list.unpack(21, 2), codes[60..62]);
        assert_eq!(list.unpack(20, 2), codes[40..42]);
    }
}
