//! Whole matrices, read and written.

use std::{
    io::{Read, Write},
    path::Path,
};

use burn::tensor::{Device, Tensor};
use device_math::transfer::{download, upload_matrix};

use super::header::{header, read_shape};
use crate::{
    error::{Error, Result},
    files::regular_file::open_regular,
    vectors::check_finite,
};

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
        upload_matrix(self.values, self.d, device)
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

/// Reads a matrix from the bytes of a file; values need not be finite.
///
/// # Errors
/// The errors of [`read`], without a file's name.
///
/// ```
/// use active_index_index::npy;
///
/// let refused = npy::from_bytes(b"P6 1 1 255 abc").unwrap_err();
/// assert_eq!(refused.to_string(), "npy magic: expected \\x93NUMPY, found P6 1 1");
/// ```
pub fn from_bytes(bytes: &[u8]) -> Result<Matrix> {
    read_from(bytes, bytes.len() as u64)
}

/// Reads descriptors `[n, d]` onto a device.
///
/// # Errors
/// The errors of [`read`], and a non-finite row.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use active_index_index::npy;
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
    atomic_file::replace(path, write).map_err(|error| Error::from(error).in_file(path))
}

/// Atomically replaces the file at `path` by a tensor `[n, d]`, as float32.
///
/// # Errors
/// The errors of [`write()`], and a failing device.
pub fn write_tensor(path: &Path, tensor: Tensor<2>) -> Result<()> {
    let [_, d] = tensor.dims();
    write(path, &download(tensor.inner())?, d)
}

fn read_from(mut file: impl Read, length: u64) -> Result<Matrix> {
    let [n, d] = read_shape(&mut file, length)?;
    Ok(Matrix { values: read_values(&mut file, n * d)?, n, d })
}

/// Reads the next `count` values, which the file is known to have.
pub(super) fn read_values(file: &mut impl Read, count: usize) -> Result<Vec<f32>> {
    let mut values = vec![0.0f32; count];
    file.read_exact(bytemuck::cast_slice_mut(&mut values))?;
    values.iter_mut().for_each(|value| *value = f32::from_bits(u32::from_le(value.to_bits())));
    Ok(values)
}
