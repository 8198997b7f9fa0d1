//! NumPy's `.npy` format for descriptors: float32, little-endian, C order, `[n, d]`.
//!
//! A reader of its own, so that the header's sizes are checked against the file's size before anything is
//! allocated (format: NumPy enhancement proposal 1).

mod blocks;

use std::{
    io::{Read, Write},
    path::Path,
};

use burn::tensor::{Device, Tensor};

use crate::{
    error::{Error, Result},
    replace::{open_regular, replace_file},
    vectors::{check_finite, read_floats, upload},
};

pub use blocks::{Blocks, read_blocks};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Largest header accepted in bytes; NumPy writes 118 for a plain matrix.
const MAX_HEADER: usize = 4096;

/// Matrix of float32.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Row-major `[n, d]`: `n * d` floats.
    pub values: Vec<f32>,
    /// Number of rows.
    pub n: usize,
    /// Length of a row.
    pub d: usize,
}

impl Matrix {
    /// Uploads the matrix `[n, d]`.
    pub fn into_tensor(self, device: &Device) -> Tensor<2> {
        upload(self.values, self.d, device)
    }
}

/// Reads a matrix of at least one column; values need not be finite.
///
/// # Errors
/// [`Error::File`] for a header other than that of a float32 matrix in C order, or for a file whose size
/// differs from the header's.
pub fn read(path: &Path) -> Result<Matrix> {
    let parse = || {
        let file = open_regular(path)?;
        let length = file.metadata()?.len();
        read_from(file, length)
    };
    parse().map_err(|error: Error| error.in_file(path))
}

/// Reads descriptors `[n, d]` onto a device.
///
/// # Errors
/// The errors of [`read`], and a non-finite row.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use index::npy;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("descriptors.npy");
/// npy::write_tensor(&path, Tensor::<2>::from_floats([[1.0, 0.0], [0.6, 0.8]], &Device::flex()))?;
/// assert_eq!(npy::read_descriptors(&path, &Device::flex())?.dims(), [2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_descriptors(path: &Path, device: &Device) -> Result<Tensor<2>> {
    let matrix = read(path)?;
    check_finite("descriptors", &matrix.values, matrix.d).map_err(|error| error.in_file(path))?;
    Ok(matrix.into_tensor(device))
}

/// Atomically replaces the file at `path` by rows of `d` values.
///
/// # Errors
/// The length of `values` is not a multiple of `d`, or [`Error::File`]; an existing file is then unchanged.
pub fn write(path: &Path, values: &[f32], d: usize) -> Result<()> {
    if d == 0 || !values.len().is_multiple_of(d) {
        return Err(Error::argument("number of values", format!("a multiple of d {d}"), values.len()));
    }
    let header = header(values.len() / d, d);
    let write = |out: &mut dyn Write| {
        out.write_all(&header)?;
        values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
    };
    replace_file(path, write).map_err(|error| Error::from(error).in_file(path))
}

/// Atomically replaces the file at `path` by a tensor `[n, d]`, as float32.
///
/// # Errors
/// The errors of [`write()`], and a failing device.
pub fn write_tensor(path: &Path, tensor: Tensor<2>) -> Result<()> {
    let [_, d] = tensor.dims();
    write(path, &read_floats(tensor.inner())?, d)
}

fn read_from(mut file: impl Read, length: u64) -> Result<Matrix> {
    let [n, d] = read_shape(&mut file, length)?;
    Ok(Matrix { values: read_values(&mut file, n * d)?, n, d })
}

/// Reads the header and returns `[n, d]`; fails unless a file of `length` bytes has exactly `n * d` values
/// after it.
fn read_shape(file: &mut impl Read, length: u64) -> Result<[usize; 2]> {
    let mut start = [0; 8];
    read_header_bytes(file, &mut start)?;
    if start[..6] != MAGIC {
        return Err(Error::field("npy magic", "\\x93NUMPY", start[..6].escape_ascii()));
    }
    let (prefix, size) = header_size(file, start[6])?;
    let mut header = vec![0; size];
    read_header_bytes(file, &mut header)?;
    let [n, d] = shape(&header)?;
    check_data(n, d, length.saturating_sub((prefix + size) as u64))?;
    Ok([n, d])
}

/// Reads the next `count` values, which the file is known to have.
fn read_values(file: &mut impl Read, count: usize) -> Result<Vec<f32>> {
    let mut values = vec![0.0f32; count];
    file.read_exact(bytemuck::cast_slice_mut(&mut values))?;
    values.iter_mut().for_each(|value| *value = f32::from_bits(u32::from_le(value.to_bits())));
    Ok(values)
}

fn read_header_bytes(file: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    let expected = format!("{} more bytes", bytes.len());
    file.read_exact(bytes).map_err(|_| Error::field("npy header", expected, "the end of the file"))
}

/// Reads the sizes in bytes of the prefix and of the header's text.
fn header_size(file: &mut impl Read, version: u8) -> Result<(usize, usize)> {
    let mut size = [0; 4];
    let width = match version {
        1 => 2,
        2 | 3 => 4,
        _ => return Err(Error::field("npy version", "1, 2 or 3", version)),
    };
    read_header_bytes(file, &mut size[..width])?;
    let size = u32::from_le_bytes(size) as usize;
    if size > MAX_HEADER {
        return Err(Error::field("npy header size", format!("at most {MAX_HEADER}"), size));
    }
    Ok((8 + width, size))
}

/// Parses `[n, d]` from `{'descr': '<f4', 'fortran_order': False, 'shape': (n, d), }`.
fn shape(header: &[u8]) -> Result<[usize; 2]> {
    let header =
        std::str::from_utf8(header).map_err(|_| Error::field("npy header", "text", "other bytes"))?;
    let descr = entry(header, "descr")?;
    if !descr.starts_with("'<f4'") {
        return Err(Error::field("npy descr", "'<f4' (little-endian float32)", until(descr, ',')));
    }
    let order = entry(header, "fortran_order")?;
    if !order.starts_with("False") {
        return Err(Error::field("npy fortran_order", "False (C order)", until(order, ',')));
    }
    let shape = until(entry(header, "shape")?, ')');
    matrix_shape(shape)
        .ok_or_else(|| Error::field("npy shape", "(n, d) with d at least 1", format!("{shape})")))
}

/// Text after `'key':` in the header.
fn entry<'a>(header: &'a str, key: &str) -> Result<&'a str> {
    let found = header.split_once(&format!("'{key}':"));
    found
        .map(|(_, value)| value.trim_start())
        .ok_or_else(|| Error::field("npy header", format!("the key '{key}'"), "none"))
}

fn until(text: &str, end: char) -> &str {
    text.split(end).next().unwrap_or(text)
}

fn matrix_shape(shape: &str) -> Option<[usize; 2]> {
    let (n, d) = shape.strip_prefix('(')?.split_once(',')?;
    let d = d.trim_end().trim_end_matches(',');
    let shape = [n.trim().parse().ok()?, d.trim().parse().ok()?];
    (shape[1] > 0).then_some(shape)
}

/// Checks that `n * d` float32 are exactly the rest of the file.
fn check_data(n: usize, d: usize, remaining: u64) -> Result<()> {
    let bytes = n.checked_mul(d).and_then(|count| (count as u64).checked_mul(4));
    if bytes == Some(remaining) {
        return Ok(());
    }
    Err(Error::field("npy data", format!("{n} * {d} * 4 bytes"), remaining))
}

/// Header of a matrix `[n, d]`, padded so that the data start at a multiple of 64 bytes, as NumPy does.
fn header(n: usize, d: usize) -> Vec<u8> {
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {d}), }}");
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let mut header = MAGIC.to_vec();
    header.extend([1, 0]);
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.as_bytes());
    header
}
