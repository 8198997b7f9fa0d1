//! Reads primitives off bytes in memory or of a mapped file.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::Fourcc;
use crate::bytes::{Bytes, bytes_to_floats};
use crate::raw::Map;
use crate::{Error, Result};

/// Bytes and how far they have been read; nothing is allocated for a field that does not fit in what is left.
pub(crate) struct Source<'a> {
    bytes: Where<'a>,
    at: usize,
}

enum Where<'a> {
    Memory(&'a [u8]),
    File(Arc<Map>),
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Where::Memory(bytes), at: 0 }
    }

    /// Maps a file; it must not be changed in place while anything read from it is in use.
    pub fn map(file: &File) -> io::Result<Self> {
        Ok(Self { bytes: Where::File(Arc::new(Map::new(file)?)), at: 0 })
    }

    pub fn byte(&mut self, field: &'static str) -> Result<u8> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// A byte that is 0 or 1.
    pub fn flag(&mut self, field: &'static str) -> Result<bool> {
        match self.byte(field)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(Error::field(field, "0 or 1", found)),
        }
    }

    pub fn u64(&mut self, field: &'static str) -> Result<u64> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// A u64 that fits the machine's sizes.
    pub fn size(&mut self, field: &'static str) -> Result<usize> {
        let size = self.u64(field)?;
        usize::try_from(size).map_err(|_| Error::field(field, "a size that fits in memory", size))
    }

    pub fn i64(&mut self, field: &'static str) -> Result<i64> {
        self.array(field).map(i64::from_le_bytes)
    }

    pub fn i32(&mut self, field: &'static str) -> Result<i32> {
        self.array(field).map(i32::from_le_bytes)
    }

    pub fn f32(&mut self, field: &'static str) -> Result<f32> {
        self.array(field).map(f32::from_le_bytes)
    }

    pub fn fourcc(&mut self, field: &'static str) -> Result<Fourcc> {
        self.array(field)
    }

    /// `count` bytes, which stay in the file where it is mapped.
    pub fn bytes(&mut self, field: &'static str, count: usize) -> Result<Bytes> {
        let range = self.claim(field, count, 1)?;
        Ok(match &self.bytes {
            Where::Memory(bytes) => Bytes::Owned(bytes[range].to_vec()),
            Where::File(map) => Bytes::Mapped { map: map.clone(), range },
        })
    }

    pub fn floats(&mut self, field: &'static str, count: usize) -> Result<Vec<f32>> {
        let range = self.claim(field, count, size_of::<f32>())?;
        Ok(bytes_to_floats(&self.all()[range]).collect())
    }

    pub fn i32s(&mut self, field: &'static str, count: usize) -> Result<Vec<i32>> {
        self.elements(field, count, i32::from_le_bytes)
    }

    pub fn i64s(&mut self, field: &'static str, count: usize) -> Result<Vec<i64>> {
        self.elements(field, count, i64::from_le_bytes)
    }

    pub fn u64s(&mut self, field: &'static str, count: usize) -> Result<Vec<u64>> {
        self.elements(field, count, u64::from_le_bytes)
    }

    pub fn f64s(&mut self, field: &'static str, count: usize) -> Result<Vec<f64>> {
        self.elements(field, count, f64::from_le_bytes)
    }

    /// Succeeds at the end alone.
    pub fn end(self) -> Result<()> {
        match self.all().len() - self.at {
            0 => Ok(()),
            more => Err(Error::Trailing(more as u64)),
        }
    }

    fn all(&self) -> &[u8] {
        match &self.bytes {
            Where::Memory(bytes) => bytes,
            Where::File(map) => map,
        }
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N]> {
        let range = self.claim(field, N, 1)?;
        Ok(self.all()[range].as_chunks::<N>().0[0])
    }

    /// `count` elements of `N` bytes each.
    fn elements<T, const N: usize>(
        &mut self,
        field: &'static str,
        count: usize,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let range = self.claim(field, count, N)?;
        Ok(self.all()[range].as_chunks::<N>().0.iter().map(|&bytes| decode(bytes)).collect())
    }

    /// Steps over `count` elements of `size` bytes each, if there are so many.
    fn claim(&mut self, field: &'static str, count: usize, size: usize) -> Result<Range<usize>> {
        let remaining = self.all().len() - self.at;
        let expected = count.saturating_mul(size);
        if expected > remaining {
            let (expected, remaining) = (expected as u64, remaining as u64);
            return Err(Error::Truncated { field, expected, remaining });
        }
        let start = self.at;
        self.at += expected;
        Ok(start..self.at)
    }
}
