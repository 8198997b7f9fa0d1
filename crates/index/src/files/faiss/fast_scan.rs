//! Parts of an index file specific to fast scan.

use std::io::{self, Write};

use super::{kinds::unsupported_lists, source::Source};
use crate::{
    error::{Error, Result},
    kernels::{
        fast_scan::BLOCK,
        packing::{block_size, code_size},
    },
    kinds::ivf::{
        block_lists::{BlockList, SearchVariant},
        entry_ids::EntryIds,
    },
};

/// Fourcc of block inverted lists.
const BLOCK_LISTS: [u8; 4] = *b"ilbl";

/// Code size of block lists in the file: faiss writes this value because codes are interleaved.
const NO_CODE_SIZE: u64 = u64::MAX;

/// Fields between the inverted-file header and the product quantiser.
#[derive(Debug, Clone, Copy)]
pub(super) struct FastScanFields {
    pub by_residual: bool,
    pub variant: SearchVariant,
    /// As in the file; [`Self::check`] validates it once `m` is known.
    code_size: u64,
    m2: u64,
}

impl FastScanFields {
    pub fn new(m: usize, by_residual: bool, variant: SearchVariant) -> Self {
        let (code_size, m2) = (code_size(m) as u64, m.next_multiple_of(2) as u64);
        Self { by_residual, variant, code_size, m2 }
    }

    pub fn read(source: &mut Source) -> Result<Self> {
        let by_residual = source.flag("by_residual")?;
        let code_size = source.u64("code_size")?;
        expect("bbs", BLOCK as i32, source.i32("bbs")?)?;
        let m2 = source.u64("M2")?;
        let variant = SearchVariant { implem: source.i32("implem")?, qbs2: source.u64("qbs2")? };
        Ok(Self { by_residual, variant, code_size, m2 })
    }

    /// Checks the sizes against `m` sub-quantisers.
    ///
    /// # Errors
    /// The sizes differ.
    pub fn check(self, m: usize) -> Result<()> {
        let expected = Self::new(m, self.by_residual, self.variant);
        expect("code_size", expected.code_size, self.code_size)?;
        expect("M2", expected.m2, self.m2)
    }

    pub fn write(self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&[u8::from(self.by_residual)])?;
        out.write_all(&self.code_size.to_le_bytes())?;
        out.write_all(&(BLOCK as i32).to_le_bytes())?;
        out.write_all(&self.m2.to_le_bytes())?;
        out.write_all(&self.variant.implem.to_le_bytes())?;
        out.write_all(&self.variant.qbs2.to_le_bytes())
    }
}

/// Reads `nlist` block inverted lists, including their fourcc, of codes of `m` codewords.
pub(super) fn read_lists(source: &mut Source, nlist: usize, m: usize) -> Result<Vec<BlockList>> {
    let found = source.fourcc("inverted lists fourcc")?;
    if found != BLOCK_LISTS {
        return Err(unsupported_lists(found, "ilbl"));
    }
    expect("nlist of the inverted lists", nlist as u64, source.u64("nlist of the inverted lists")?)?;
    expect("code_size of the inverted lists", NO_CODE_SIZE, source.u64("code_size of the inverted lists")?)?;
    expect("n_per_block", BLOCK as u64, source.u64("n_per_block")?)?;
    expect("block_size", block_size(m) as u64, source.u64("block_size")?)?;
    let mut lists = Vec::new();
    for _ in 0..nlist {
        lists.push(read_list(source, m)?);
    }
    Ok(lists)
}

fn read_list(source: &mut Source, m: usize) -> Result<BlockList> {
    let len = source.size("id count of an inverted list")?;
    let bytes = len.checked_mul(size_of::<i64>());
    let bytes = bytes.ok_or_else(|| Error::field("id count of an inverted list", "a size in memory", len))?;
    let ids = EntryIds::new(source.bytes("ids of an inverted list", bytes)?);
    let found = source.size("code bytes of an inverted list")?;
    let expected = len.div_ceil(BLOCK).checked_mul(block_size(m));
    if expected != Some(found) {
        let expected = format!("{} blocks of {} bytes", len.div_ceil(BLOCK), block_size(m));
        return Err(Error::field("code bytes of an inverted list", expected, found));
    }
    Ok(BlockList { codes: source.bytes("codes of an inverted list", found)?, ids })
}

/// Writes block inverted lists as [`read_lists`] reads them.
pub(super) fn write_lists(out: &mut dyn Write, lists: &[BlockList], m: usize) -> io::Result<()> {
    out.write_all(&BLOCK_LISTS)?;
    for size in [lists.len() as u64, NO_CODE_SIZE, BLOCK as u64, block_size(m) as u64] {
        out.write_all(&size.to_le_bytes())?;
    }
    for list in lists {
        out.write_all(&(list.ids.len() as u64).to_le_bytes())?;
        out.write_all(list.ids.bytes())?;
        out.write_all(&(list.codes.len() as u64).to_le_bytes())?;
        out.write_all(&list.codes)?;
    }
    Ok(())
}

fn expect<T: PartialEq + ToString>(field: &'static str, expected: T, found: T) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::field(field, expected, found)) }
}
