//! Reads primitives off a stream whose length is known beforehand.

use std::io::Read;

use bytemuck::Pod;

use super::Fourcc;
use crate::{Error, Result};

/// A stream and the bytes left in it; nothing is allocated for a field that does not fit in them.
pub(crate) struct Source<R> {
    stream: R,
    remaining: u64,
}

impl<R: Read> Source<R> {
    /// `length` is the stream's length in bytes.
    pub fn new(stream: R, length: u64) -> Self {
        Self { stream, remaining: length }
    }

    pub fn byte(&mut self, field: &'static str) -> Result<u8> {
        self.array::<1>(field).map(|[byte]| byte)
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

    pub fn fourcc(&mut self, field: &'static str) -> Result<Fourcc> {
        self.array(field)
    }

    pub fn bytes(&mut self, field: &'static str, count: usize) -> Result<Vec<u8>> {
        self.elements(field, count)
    }

    pub fn floats(&mut self, field: &'static str, count: usize) -> Result<Vec<f32>> {
        let mut values: Vec<f32> = self.elements(field, count)?;
        values.iter_mut().for_each(|value| *value = f32::from_bits(u32::from_le(value.to_bits())));
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

    /// Succeeds at the end of the stream only.
    pub fn end(self) -> Result<()> {
        match self.remaining {
            0 => Ok(()),
            more => Err(Error::Trailing(more)),
        }
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N]> {
        self.claim(field, N as u64)?;
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// `count` elements in the file's byte order.
    fn elements<T: Pod>(&mut self, field: &'static str, count: usize) -> Result<Vec<T>> {
        self.claim(field, (count as u64).saturating_mul(size_of::<T>() as u64))?;
        let mut values = vec![T::zeroed(); count];
        self.stream.read_exact(bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    fn claim(&mut self, field: &'static str, expected: u64) -> Result<()> {
        let remaining = self.remaining;
        self.remaining =
            remaining.checked_sub(expected).ok_or(Error::Truncated { field, expected, remaining })?;
        Ok(())
    }
}
