//! Vectors as they enter the index: finite, float32, row-major `[n, d]`.

use burn::tensor::{DType, Device, FloatDType, Int, Tensor, TensorData};

use crate::{Error, Result};

/// Finite vectors `[n, d]`, held both on the device (for matrix products) and on the host (for scalar work).
#[derive(Clone)]
pub(crate) struct Vectors {
    /// `[n, d]` on the index's device, outside autodiff.
    pub tensor: Tensor<2>,
    /// The same values, row-major, `n * d` floats.
    pub host: Vec<f32>,
    pub n: usize,
    pub d: usize,
}

impl Vectors {
    /// Takes vectors from any device; `what` names them in errors.
    pub fn new(what: &'static str, tensor: Tensor<2>, device: &Device) -> Result<Self> {
        let [n, d] = tensor.dims();
        if d == 0 {
            return Err(Error::argument("dimension", "at least 1", d));
        }
        let tensor = tensor.inner().to_device(device).cast(FloatDType::F32);
        let host = read_floats(tensor.clone())?;
        check_finite(what, &host, d)?;
        Ok(Self { tensor, host, n, d })
    }

    /// As [`Self::new`], of a dimension known beforehand.
    pub fn of_dimension(what: &'static str, tensor: Tensor<2>, d: usize, device: &Device) -> Result<Self> {
        let [_, found] = tensor.dims();
        if found != d {
            return Err(Error::Dimension { what, expected: d, found });
        }
        Self::new(what, tensor, device)
    }

    /// Takes `n * d` floats from the host.
    pub fn from_host(what: &'static str, host: Vec<f32>, d: usize, device: &Device) -> Result<Self> {
        check_finite(what, &host, d)?;
        let n = host.len() / d;
        Ok(Self { tensor: upload(host.clone(), d, device), host, n, d })
    }

    /// The vectors at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let host: Vec<f32> = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        let tensor = upload(host.clone(), self.d, &self.tensor.device());
        Self { tensor, host, n: rows.len(), d: self.d }
    }

    /// Columns `start..start + width` of every vector: `[n, width]`.
    pub fn columns(&self, start: usize, width: usize) -> Self {
        let host: Vec<f32> = self.rows().flat_map(|row| &row[start..start + width]).copied().collect();
        let tensor = upload(host.clone(), width, &self.tensor.device());
        Self { tensor, host, n: self.n, d: width }
    }

    /// Vector `row`, `d` floats.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.host[row * self.d..(row + 1) * self.d]
    }

    /// All vectors in order, `d` floats each.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.host.chunks_exact(self.d)
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
