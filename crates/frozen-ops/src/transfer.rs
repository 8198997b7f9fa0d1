//! What goes from the host to a device and back while a computation runs, counted.
//!
//! A device waits for what it is sent and the host for what it reads, so that a loop sends numbers, not images. Whatever
//! a pass or a step of this workspace sends or reads goes through here; [`counted`] says how much that was.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use burn::tensor::{Device, Int, Tensor, TensorData};

thread_local! {
    static SO_FAR: Cell<Traffic> = const { Cell::new(Traffic { uploads: 0, sent: 0, downloads: 0, read: 0, waited: Duration::ZERO }) };
}

/// Copies between the host and its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Tensors that were sent to a device.
    pub uploads: usize,
    /// Their bytes.
    pub sent: usize,
    /// Tensors that were read, each of which the host waits for.
    pub downloads: usize,
    /// Their bytes.
    pub read: usize,
    /// How long the host waited for them: work that the device still had when it was asked.
    pub waited: Duration,
}

impl Traffic {
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

/// Why numbers could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The device had no room for them or for what they are computed from; it is as usable as before.
    #[error("the device is out of memory: {0}")]
    OutOfMemory(String),
    /// Anything else.
    #[error("cannot read a tensor from its device: {0}")]
    Device(String),
}

/// What `work` returns, and what it sent and read on this thread. Where the device is the CPU, a copy within its memory
/// counts all the same.
///
/// ```
/// use burn::tensor::Device;
/// use frozen_ops::transfer::{counted, download, upload};
///
/// let there_and_back = || download(upload(vec![1.0, 2.0], [1, 2], &Device::flex()) * 2.0);
/// let (values, traffic) = counted(there_and_back);
/// assert_eq!(values?, [2.0, 4.0]);
/// assert_eq!((traffic.uploads, traffic.sent, traffic.downloads, traffic.read), (1, 8, 1, 8));
/// # Ok::<(), frozen_ops::transfer::Failure>(())
/// ```
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Traffic) {
    let before = SO_FAR.get();
    let done = work();
    (done, SO_FAR.get().since(before))
}

/// Numbers as a tensor on a device.
///
/// # Panics
///
/// If the shape is not of as many.
pub fn upload<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    sent(size_of_val(values.as_slice()));
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Whole numbers as a tensor on a device.
///
/// # Panics
///
/// If the shape is not of as many.
pub fn upload_ints<const D: usize>(values: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    sent(size_of_val(values.as_slice()));
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn sent(bytes: usize) {
    let before = SO_FAR.get();
    SO_FAR.set(Traffic { uploads: before.uploads + 1, sent: before.sent + bytes, ..before });
}

/// The numbers of a tensor, row-major; the host waits until they are there.
///
/// # Errors
///
/// Those of the device, of whatever is computed for them.
pub fn download<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Failure> {
    let asked = Instant::now();
    let data = tensor.try_into_data().map_err(|error| failure(&error.to_string()))?;
    let values: Vec<f32> = data.try_into_vec_as().map_err(|error| failure(&error.to_string()))?;
    let before = SO_FAR.get();
    let (read, waited) = (before.read + size_of_val(values.as_slice()), before.waited + asked.elapsed());
    SO_FAR.set(Traffic { downloads: before.downloads + 1, read, waited, ..before });
    Ok(values)
}

/// What a device says, in a line without a backtrace.
fn failure(said: &str) -> Failure {
    let lines = said.lines().map(str::trim).take_while(|line| !line.starts_with("Backtrace"));
    let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if is_out_of_memory(said) { Failure::OutOfMemory(line) } else { Failure::Device(line) }
}

/// Whether what a device says means that memory ran out, which no type tells.
pub fn is_out_of_memory(said: &str) -> bool {
    /// Of CubeCL's errors of allocations and of launches, and of [`Failure`].
    const NO_ROOM: [&str; 4] =
        ["out of device memory", "out-of-memory", "can't allocate buffer", "the device is out of memory"];
    NO_ROOM.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_memory_is_told_from_other_failures() {
        for said in [
            "An error happened during execution\nCaused by:\n  out of device memory allocating 64 bytes\nBacktrace\n0: x",
            "An out-of-memory error happened during launch\nCaused by:\n  pool",
            "can't allocate buffer of size: 1099511627776\n",
        ] {
            assert!(
                matches!(failure(said), Failure::OutOfMemory(line) if !line.contains("Backtrace")),
                "{said}"
            );
        }
        assert!(matches!(failure("The device is poisoned"), Failure::Device(_)));
    }
}
