//! Headers: the shape of the matrix, checked against the size of the file.

use std::io::Read;

use crate::error::{Error, Result};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Largest header accepted in bytes; NumPy writes 118 for a plain matrix.
const MAX_HEADER: usize = 4096;

/// Reads the header and returns `[n, d]`; fails unless a file of `length` bytes has exactly `n * d` values
/// after it.
pub(super) fn read_shape(file: &mut impl Read, length: u64) -> Result<[usize; 2]> {
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
pub(super) fn header(n: usize, d: usize) -> Vec<u8> {
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
