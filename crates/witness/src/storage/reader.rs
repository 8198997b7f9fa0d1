//! Reader of little-endian fields.

use crate::{Error, Result};

/// Bytes that are left.
pub(crate) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// Takes the next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let found = self.left.len();
        let (taken, left) =
            self.left.split_at_checked(count).ok_or(Error::Length { found, expected: count })?;
        self.left = left;
        Ok(taken)
    }

    /// Takes an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(*self.take(N)?.as_array().expect("as many as were asked for"))
    }

    /// Takes the bytes that are left, `expected` of them.
    pub fn rest(&mut self, expected: usize) -> Result<&'a [u8]> {
        match self.left.len() {
            found if found == expected => self.take(expected),
            found => Err(Error::Length { found, expected }),
        }
    }

    /// Takes all bytes that are left.
    pub fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }
}

/// Checks a field against its range.
pub(crate) fn check(
    field: &'static str,
    found: impl Into<u64>,
    range: std::ops::RangeInclusive<u64>,
    expected: &'static str,
) -> Result<()> {
    let found = found.into();
    if range.contains(&found) { Ok(()) } else { Err(Error::Field { field, found, expected }) }
}
