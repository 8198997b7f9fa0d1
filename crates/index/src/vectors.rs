//! Vectors as they enter the index: finite, float32, row-major `[n, d]`.

use std::borrow::Cow;

use burn::tensor::{DType, Device, FloatDType, Int, Tensor, TensorData};

use crate::{Error, Result};

/// Finite vectors `[n, d]` on the host.
#[derive(Clone)]
pub(crate) struct Vectors<'a> {
    /// Row-major, `n * d` floats.
    pub host: Cow<'a, [f32]>,
    pub n: usize,
    pub d: usize,
}

impl<'a> Vectors<'a> {
    /// Takes vectors from any device; `what` names them in errors.
    pub fn new(what: &'static str, tensor: Tensor<2>) -> Result<Self> {
        let [_, d] = tensor.dims();
        if d == 0 {
            return Err(Error::argument("dimension", "at least 1", d));
        }
        let host = read_floats(tensor.inner().cast(FloatDType::F32))?;
        Self::from_host(what, host, d)
    }

    /// As [`Self::new`], of a dimension known beforehand.
    pub fn of_dimension(what: &'static str, tensor: Tensor<2>, d: usize) -> Result<Self> {
        let [_, found] = tensor.dims();
        if found != d {
            return Err(Error::Dimension { what, expected: d, found });
        }
        Self::new(what, tensor)
    }

    /// Takes `n * d` floats from the host.
    pub fn from_host(what: &'static str, host: impl Into<Cow<'a, [f32]>>, d: usize) -> Result<Self> {
        let host = host.into();
        check_finite(what, &host, d)?;
        Ok(Self { n: host.len() / d, host, d })
    }

    /// The vectors at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Vectors<'static> {
        let host: Vec<f32> = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Vectors { host: host.into(), n: rows.len(), d: self.d }
    }

    /// Columns `start..start + width` of every vector: `[n, width]`.
    pub fn columns(&self, start: usize, width: usize) -> Vectors<'static> {
        let host: Vec<f32> = self.rows().flat_map(|row| &row[start..start + width]).copied().collect();
        Vectors { host: host.into(), n: self.n, d: width }
    }

    /// The vectors in pieces of at most `rows`, in order.
    pub fn blocks(&self, rows: usize) -> impl Iterator<Item = Vectors<'_>> {
        let d = self.d;
        self.host.chunks(rows * d).map(move |host| Vectors { n: host.len() / d, host: host.into(), d })
    }

    /// Vector `row`, `d` floats.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.host[row * self.d..(row + 1) * self.d]
    }

    /// All vectors in order, `d` floats each.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.host.chunks_exact(self.d)
    }

    /// The vectors on a device.
    pub fn tensor(&self, device: &Device) -> Tensor<2> {
        upload(self.host.to_vec(), self.d, device)
    }
}

/// Fails at the first row of `d` values that holds a NaN or an infinity.
pub(crate) fn check_finite(what: &'static str, values: &[f32], d: usize) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::NotFinite { what, row: at / d }),
        None => Ok(()),
    }
}

/// Puts `values`, row-major `[values.len() / d, d]`, on the device.
pub(crate) fn upload(values: Vec<f32>, d: usize, device: &Device) -> Tensor<2> {
    let n = values.len() / d;
    Tensor::from_data(TensorData::new(values, [n, d]), (device, DType::F32))
}

/// Reads a tensor's values back, row-major.
pub(crate) fn read_floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|error| Error::Device(error.to_string()))?;
    data.try_into_vec_as().map_err(|error| Error::Device(error.to_string()))
}

/// Reads an integer tensor's values back, row-major.
pub(crate) fn read_integers<const D: usize>(tensor: Tensor<D, Int>) -> Result<Vec<i64>> {
    let data = tensor.try_into_data().map_err(|error| Error::Device(error.to_string()))?;
    data.try_into_vec_as().map_err(|error| Error::Device(error.to_string()))
}
