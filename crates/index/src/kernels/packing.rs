//! Codes packed in blocks of 32, in the order in which the scan loads them.
//!
//! A block holds 16 bytes for each of `rows` sub-quantisers (`m` rounded up to even): byte `i` has the
//! codeword of slot `SLOT_OF_BYTE[i]` in its low half and that of slot `SLOT_OF_BYTE[i] + 16` in its high
//! half. An unpacked code is `m.div_ceil(2)` bytes: codeword `2 j` in the low half of byte `j`, codeword
//! `2 j + 1` in the high half.

use super::fast_scan::{BLOCK, KSUB, SLOT_OF_BYTE};

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

/// Overwrites the code of entry `offset` in `blocks`.
pub(crate) fn set_code(blocks: &mut [u8], offset: usize, code: &[u8]) {
    let place = Place::of(offset);
    let rows = place.block_mut(blocks, code.len()).chunks_exact_mut(2 * KSUB);
    for (&byte, rows) in code.iter().zip(rows) {
        for (row, codeword) in rows.chunks_exact_mut(KSUB).zip([byte & 15, byte >> 4]) {
            let packed = &mut row[place.byte];
            *packed = *packed & !(15 << place.shift) | codeword << place.shift;
        }
    }
}

/// Code of entry `offset` in `blocks`: `code_size` bytes.
pub(crate) fn code_at(blocks: &[u8], offset: usize, code_size: usize) -> Vec<u8> {
    let place = Place::of(offset);
    let rows = place.block(blocks, code_size).chunks_exact(2 * KSUB);
    let codeword = |row: &[u8]| row[place.byte] >> place.shift & 15;
    rows.map(|rows| codeword(&rows[..KSUB]) | codeword(&rows[KSUB..]) << 4).collect()
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
    use super::*;

    #[test]
    fn nibbles_are_joined_low_first() {
        assert_eq!(join_nibbles(&[1, 2, 3, 4, 5, 6], 3), [0x21, 0x03, 0x54, 0x06]);
    }
}
