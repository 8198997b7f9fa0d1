//! TIFF directories, which EXIF uses too, found and read in place. Every offset is checked.

use std::ops::Range;

/// Bytes of a directory entry: tag, type, count, and value or offset.
const ENTRY: usize = 12;

/// Byte order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// A TIFF file or EXIF block.
pub(crate) struct Block<'a> {
    bytes: &'a [u8],
    order: Order,
}

/// Positions of a directory's entries and of the offset of the next directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    entries: Range<usize>,
    /// Position of the offset of the next directory.
    pub(crate) next_at: usize,
}

/// An entry: its tag, its type (TIFF 6.0, section 2: 1 and 6 for 8 bits, 3 and 8 for 16, 4 and 9 for 32), the number of
/// its values, and the position of the first value if they fit into the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tag: u16,
    pub(crate) kind: u16,
    pub(crate) count: u32,
    pub(crate) value_at: usize,
}

impl<'a> Block<'a> {
    /// Opens a block; `None` if the header is not TIFF's. BigTIFF is another format.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let order = match bytes.first_chunk()? {
            b"II*\0" => Order::Little,
            b"MM\0*" => Order::Big,
            _ => return None,
        };
        Some(Self { bytes, order })
    }

    /// The first directory, if all of it is present.
    pub(crate) fn first(&self) -> Option<Directory> {
        self.directory(self.u32(4)?)
    }

    /// The directory at an offset, if all of it is present.
    pub(crate) fn directory(&self, offset: u32) -> Option<Directory> {
        let start = usize::try_from(offset).ok().filter(|&offset| offset >= 8)?;
        let count = usize::from(self.u16(start)?);
        let next_at = start + 2 + count * ENTRY;
        // Some writers omit the offset of the next directory at the end of a block.
        (next_at <= self.bytes.len()).then_some(Directory { entries: start + 2..next_at, next_at })
    }

    /// All entries of a directory.
    pub(crate) fn entries(&self, directory: &Directory) -> impl Iterator<Item = Entry> {
        directory.entries.clone().step_by(ENTRY).filter_map(|at| {
            Some(Entry {
                tag: self.u16(at)?,
                kind: self.u16(at + 2)?,
                count: self.u32(at + 4)?,
                value_at: at + 8,
            })
        })
    }

    /// The first entry with a tag.
    pub(crate) fn find(&self, directory: &Directory, tag: u16) -> Option<Entry> {
        self.entries(directory).find(|entry| entry.tag == tag)
    }

    /// The only value of an entry of an integer type, if it is not negative.
    pub(crate) fn number(&self, entry: Entry) -> Option<u32> {
        if entry.count != 1 {
            return None;
        }
        let at = entry.value_at;
        match entry.kind {
            1 => self.bytes.get(at).map(|&byte| byte.into()),
            3 => self.u16(at).map(u32::from),
            4 => self.u32(at),
            6 => u32::try_from(self.bytes.get(at)?.cast_signed()).ok(),
            8 => u32::try_from(self.u16(at)?.cast_signed()).ok(),
            9 => u32::try_from(self.u32(at)?.cast_signed()).ok(),
            _ => None,
        }
    }

    /// The bytes of a value of an integer type; `None` for other types.
    pub(crate) fn value(&self, kind: u16, number: u8) -> Option<Vec<u8>> {
        let width = match kind {
            1 | 6 => 1,
            3 | 8 => 2,
            4 | 9 => 4,
            _ => return None,
        };
        let mut bytes = vec![0; width];
        bytes[if self.order == Order::Little { 0 } else { width - 1 }] = number;
        Some(bytes)
    }

    /// The 16-bit number at a position.
    pub(crate) fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(match self.order {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        })
    }

    /// The 32-bit number at a position.
    pub(crate) fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(match self.order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }
}
