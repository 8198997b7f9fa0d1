//! Descriptors of a segment: a mapped `.npy` file of float16, `[n, d]`, in the order of the segment's lists.

use std::{
    fs::File,
    io::{self, Cursor, Write},
    path::Path,
};

use half::f16;
use memmap2::Mmap;
use npyz::{DType, NpyHeader, WriterBuilder};

use crate::error::{Error, Result};

/// Bytes of a value.
const VALUE: usize = size_of::<f16>();

/// Mapped descriptors.
pub struct Descriptors {
    map: Mmap,
    /// Bytes before the first value.
    start: usize,
    d: usize,
}

impl Descriptors {
    /// Maps the file of `n` descriptors of dimension `d`.
    ///
    /// # Errors
    /// If the file is missing, or anything but a `.npy` file of `n` times `d` little-endian float16 in C order.
    pub fn open(path: &Path, n: usize, d: usize) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        // SAFETY: segments are immutable: files are renamed into place whole and never changed after.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
        // Rows are read all over the file, where looking up small pages costs as much as reading. Only Linux has the advice, and
        // not every kernel takes it.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let mut cursor = Cursor::new(&map[..]);
        let header = NpyHeader::from_reader(&mut cursor).map_err(|error| Error::damaged(path, error))?;
        let start = cursor.position() as usize;
        let expected = value_type().descr();
        if header.dtype().descr() != expected || header.shape() != [n as u64, d as u64] {
            let found = format!("{} {:?}", header.dtype().descr(), header.shape());
            return Err(Error::damaged(path, format!("expected {expected} [{n}, {d}], found {found}")));
        }
        if header.order() != npyz::Order::C
            || map.len() != start + n * d * VALUE
            || !start.is_multiple_of(VALUE)
        {
            return Err(Error::damaged(path, format!("expected {n} rows of {d} values after the header")));
        }
        Ok(Self { map, start, d })
    }

    /// Descriptor of a row below `n`.
    pub fn row(&self, row: usize) -> &[f16] {
        bytemuck::cast_slice(self.bytes(row))
    }

    /// Descriptor of a row below `n` as little-endian bytes.
    pub fn bytes(&self, row: usize) -> &[u8] {
        let size = self.d * VALUE;
        &self.map[self.start + row * size..][..size]
    }
}

/// Writes descriptors, each `d` little-endian float16, as a `.npy` file of `n` rows.
pub fn write<'a>(
    out: &mut dyn Write,
    n: usize,
    d: usize,
    rows: impl Iterator<Item = &'a [u8]>,
) -> io::Result<()> {
    let options = npyz::WriteOptions::<f16>::new().dtype(value_type()).shape(&[n as u64, d as u64]);
    let mut head = Vec::new();
    options.writer(&mut head).begin_nd()?;
    out.write_all(&head)?;
    rows.take(n).try_for_each(|row| out.write_all(row))
}

fn value_type() -> DType {
    DType::Plain("<f2".parse().expect("a type of NumPy"))
}
