//! Reader of primitives from bytes in memory or from a file.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    ops::Range,
    sync::Arc,
};

use bytemuck::Pod;

use super::fourcc::Fourcc;
use crate::{
    error::{Error, Result},
    kernels::Map,
    stored_bytes::Bytes,
};

/// Size of the read buffer of a file in bytes.
const BUFFER: usize = 1 << 16;

/// Bytes and the read position. A field that exceeds the remaining bytes is an error before any allocation.
pub(crate) struct Source<'a> {
    bytes: Where<'a>,
    at: usize,
    length: usize,
}

enum Where<'a> {
    Memory(&'a [u8]),
    /// Fields that are copied are read from the stream, so their pages of the map are never touched.
    File {
        map: Arc<Map>,
        stream: BufReader<File>,
    },
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Where::Memory(bytes), at: 0, length: bytes.len() }
    }

    /// Maps a file, which must not be changed in place while anything read from it is in use.
    pub fn map(file: File) -> io::Result<Self> {
        let map = Arc::new(Map::new(&file)?);
        let length = map.len();
        Ok(Self { bytes: Where::File { map, stream: BufReader::with_capacity(BUFFER, file) }, at: 0, length })
    }

    /// Returns true if the next bytes are these; they are not passed over.
    pub fn begins_with(&self, expected: &[u8]) -> bool {
        let bytes: &[u8] = match &self.bytes {
            Where::Memory(bytes) => bytes,
            Where::File { map, .. } => map,
        };
        bytes[self.at..].starts_with(expected)
    }

    pub fn byte(&mut self, field: &'static str) -> Result<u8> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Reads a byte that must be 0 or 1.
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

    /// Reads a u64 that must fit in `usize`.
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

    /// Takes `count` bytes; those of a mapped file are not copied.
    pub fn bytes(&mut self, field: &'static str, count: usize) -> Result<Bytes> {
        let range = self.claim(field, count, 1)?;
        Ok(match &mut self.bytes {
            Where::Memory(bytes) => Bytes::Owned(bytes[range].to_vec()),
            Where::File { map, stream } => {
                stream.seek_relative(count as i64)?;
                Bytes::Mapped { map: map.clone(), range }
            }
        })
    }

    pub fn floats(&mut self, field: &'static str, count: usize) -> Result<Vec<f32>> {
        let mut values: Vec<f32> = self.elements(field, count)?;
        values.iter_mut().for_each(|value| *value = f32::from_bits(u32::from_le(value.to_bits())));
        Ok(values)
    }

    pub fn f64s(&mut self, field: &'static str, count: usize) -> Result<Vec<f64>> {
        let mut values: Vec<f64> = self.elements(field, count)?;
        values.iter_mut().for_each(|value| *value = f64::from_bits(u64::from_le(value.to_bits())));
        Ok(values)
    }

    pub fn i32s(&mut self, field: &'static str, count: usize) -> Result<Vec<i32>> {
        let mut values: Vec<i32> = self.elements(field, count)?;
        values.iter_mut().for_each(|value| *value = i32::from_le(*value));
        Ok(values)
    }

    pub fn i64s(&mut self, field: &'static str, count: usize) -> Result<Vec<i64>> {
        let mut values: Vec<i64> = self.elements(field, count)?;
        values.iter_mut().for_each(|value| *value = i64::from_le(*value));
        Ok(values)
    }

    pub fn u64s(&mut self, field: &'static str, count: usize) -> Result<Vec<u64>> {
        let mut values: Vec<u64> = self.elements(field, count)?;
        values.iter_mut().for_each(|value| *value = u64::from_le(*value));
        Ok(values)
    }

    /// Checks that all bytes were read.
    pub fn end(self) -> Result<()> {
        match self.length - self.at {
            0 => Ok(()),
            more => Err(Error::Trailing(more as u64)),
        }
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        let range = self.claim(field, N, 1)?;
        self.copy(range, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads `count` elements in the file's byte order.
    fn elements<T: Pod>(&mut self, field: &'static str, count: usize) -> Result<Vec<T>> {
        let range = self.claim(field, count, size_of::<T>())?;
        let mut values = vec![T::zeroed(); count];
        self.copy(range, bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    /// Copies the range claimed last.
    fn copy(&mut self, range: Range<usize>, out: &mut [u8]) -> Result<()> {
        match &mut self.bytes {
            Where::Memory(bytes) => out.copy_from_slice(&bytes[range]),
            Where::File { stream, .. } => stream.read_exact(out)?,
        }
        Ok(())
    }

    /// Advances past `count` elements of `size` bytes each and returns their range.
    fn claim(&mut self, field: &'static str, count: usize, size: usize) -> Result<Range<usize>> {
        let remaining = self.length - self.at;
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
