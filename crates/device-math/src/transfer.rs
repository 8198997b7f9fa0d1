//! Copies between the host and a device while a computation runs, counted.
//!
//! A device waits for what it is sent, and the host waits for what it reads, so that a loop should send and read
//! numbers rather than images. All transfers of a pass or of an optimisation step go through this module; [`counted`]
//! returns their number and size.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::{Error, Result};

thread_local! {
    /// Traffic of this thread since it started.
    static TOTAL: Cell<Traffic> = const { Cell::new(Traffic::NONE) };
}

/// Copies between the host and its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Number of tensors sent to a device.
    pub uploads: usize,
    /// Bytes sent.
    pub sent: usize,
    /// Number of tensors read; the host waits for each.
    pub downloads: usize,
    /// Bytes read.
    pub read: usize,
    /// Time that the host waited for reads, which includes the work that the device had left.
    pub waited: Duration,
}

impl Traffic {
    const NONE: Self = Self { uploads: 0, sent: 0, downloads: 0, read: 0, waited: Duration::ZERO };

    fn since(self, before: Self) -> Self {
        Self {
            uploads: self.uploads - before.uploads,
            sent: self.sent - before.sent,
            downloads: self.downloads - before.downloads,
            read: self.read - before.read,
            waited: self.waited - before.waited,
        }
    }
}

/// Returns the result of `work` and its traffic on this thread. Copies within the CPU's memory count too.
///
/// ```
/// use burn::tensor::Device;
/// use active_index_device_math::transfer::{counted, download, upload};
///
/// let round_trip = || download(upload(vec![1.0, 2.0], [1, 2], &Device::flex()) * 2.0);
/// let (values, traffic) = counted(round_trip);
/// assert_eq!(values?, [2.0, 4.0]);
/// assert_eq!((traffic.uploads, traffic.sent, traffic.downloads, traffic.read), (1, 8, 1, 8));
/// # Ok::<(), active_index_device_math::Error>(())
/// ```
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Traffic) {
    let before = TOTAL.get();
    let result = work();
    (result, TOTAL.get().since(before))
}

/// Sends row-major values to a device.
///
/// # Panics
/// If `shape` has another number of values.
pub fn upload<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    count_upload(size_of_val(values.as_slice()));
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Sends row-major integers to a device.
///
/// # Panics
/// If `shape` has another number of values.
pub fn upload_ints<const D: usize>(values: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    count_upload(size_of_val(values.as_slice()));
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Sends a row-major matrix `[values.len() / d, d]` to a device, in float32 whatever the device's default is.
///
/// # Panics
/// If `d` is 0 or does not divide the number of values.
pub fn upload_matrix(values: Vec<f32>, d: usize, device: &Device) -> Tensor<2> {
    count_upload(size_of_val(values.as_slice()));
    let shape = [values.len() / d, d];
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// Sends rows of one length to a device: `n` rows of `d` as `[n, d]`, no rows as `[0, 0]`.
///
/// # Panics
/// If the rows differ in length.
pub fn upload_rows<R: AsRef<[f32]>>(rows: impl IntoIterator<Item = R>, device: &Device) -> Tensor<2> {
    let (mut n, mut values) = (0, Vec::new());
    for row in rows {
        values.extend_from_slice(row.as_ref());
        n += 1;
    }
    let d = values.len() / n.max(1);
    upload(values, [n, d], device)
}

fn count_upload(bytes: usize) {
    let total = TOTAL.get();
    TOTAL.set(Traffic { uploads: total.uploads + 1, sent: total.sent + bytes, ..total });
}

/// Reads the values of a tensor, row-major. The host waits until they are computed.
///
/// # Errors
/// Failures of the device, in this read or in the operations that the tensor depends on.
pub fn download<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    count_download(|| {
        let data = tensor.try_into_data().map_err(|error| Error::from_message(&error.to_string()))?;
        data.try_into_vec_as().map_err(|error| Error::from_message(&error.to_string()))
    })
}

/// Reads the values of an integer tensor, row-major. The host waits until they are computed.
///
/// # Errors
/// As [`download`].
pub fn download_ints<const D: usize>(tensor: Tensor<D, Int>) -> Result<Vec<i64>> {
    count_download(|| {
        let data = tensor.try_into_data().map_err(|error| Error::from_message(&error.to_string()))?;
        data.try_into_vec_as().map_err(|error| Error::from_message(&error.to_string()))
    })
}

fn count_download<T>(read: impl FnOnce() -> Result<Vec<T>>) -> Result<Vec<T>> {
    let started = Instant::now();
    let values = read()?;
    let total = TOTAL.get();
    TOTAL.set(Traffic {
        downloads: total.downloads + 1,
        read: total.read + size_of_val(values.as_slice()),
        waited: total.waited + started.elapsed(),
        ..total
    });
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_a_matrix() {
        let rows = [vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
        let (tensor, traffic) = counted(|| upload_rows(&rows, &Device::flex()));
        assert_eq!((tensor.dims(), traffic.uploads, traffic.sent), ([2, 3], 1, 24));
        assert_eq!(download(tensor).expect("reads"), rows.concat());
        let matrix = upload_matrix(rows.concat(), 2, &Device::flex());
        assert_eq!(matrix.dims(), [3, 2]);
        assert_eq!(upload_rows(Vec::<Vec<f32>>::new(), &Device::flex()).dims(), [0, 0]);
    }
}
