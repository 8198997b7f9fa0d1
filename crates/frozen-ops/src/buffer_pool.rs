//! Pool of buffers that are reused.
//!
//! A network's buffers are large and have the same sizes in every pass. If they were returned to the operating
//! system, mapping and clearing them again would take a fifth of a pass.

use std::{
    collections::VecDeque,
    mem::MaybeUninit,
    sync::{Mutex, MutexGuard, PoisonError},
};

use burn::tensor::Bytes;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};

/// Largest size of the pool in bytes; the oldest buffers are freed first.
const MAX_BYTES: usize = 512 << 20;
/// Length below which buffers are left to the allocator.
const MIN_VALUES: usize = 1 << 12;

/// Free buffers, oldest first.
static POOL: Mutex<VecDeque<Vec<f32>>> = Mutex::new(VecDeque::new());

fn pool() -> MutexGuard<'static, VecDeque<Vec<f32>>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Floats that return to the pool when they are dropped.
#[derive(Debug)]
pub(crate) struct PooledBuffer(Vec<f32>);

impl PooledBuffer {
    /// Returns `len` floats of arbitrary values.
    pub fn new(len: usize) -> Self {
        let found = {
            let mut pool = pool();
            let newest = pool.iter().rposition(|buffer| buffer.len() == len);
            newest.and_then(|place| pool.remove(place))
        };
        Self(found.unwrap_or_else(|| vec![0.0; len]))
    }

    /// Values of the buffer.
    pub fn values(&mut self) -> &mut [f32] {
        &mut self.0
    }

    /// Converts the values to the bytes of a tensor.
    pub fn into_bytes(self) -> Bytes {
        let len = size_of_val(&self.0[..]);
        // SAFETY: all `len` bytes are initialised.
        unsafe { Bytes::from_controller(Box::new(self), len) }
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.len() < MIN_VALUES {
            return;
        }
        let mut pool = pool();
        pool.push_back(buffer);
        let mut bytes: usize = pool.iter().map(|buffer| size_of_val(&buffer[..])).sum();
        while bytes > MAX_BYTES {
            bytes -= pool.pop_front().map_or(bytes, |buffer| size_of_val(&buffer[..]));
        }
    }
}

impl AllocationController for PooledBuffer {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _policy: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes = size_of_val(&self.0[..]);
        // SAFETY: any bytes are floats; the caller writes initialised ones.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), bytes) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        // SAFETY: the bytes of the buffer; initialised bytes may be viewed as `MaybeUninit`.
        Ok(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), size_of_val(&self.0[..])) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_reused_for_the_same_length() {
        let len = MIN_VALUES + 7;
        let mut first = PooledBuffer::new(len);
        first.values().fill(3.0);
        let place = first.0.as_ptr();
        drop(first.into_bytes());
        let mut others = [PooledBuffer::new(len + 1), PooledBuffer::new(len)];
        assert_eq!(others[1].0.as_ptr(), place);
        assert_eq!(others.each_mut().map(|other| other.values().len()), [len + 1, len]);
    }

    #[test]
    fn bytes_are_the_values() {
        let mut buffer = PooledBuffer::new(MIN_VALUES);
        buffer.values().iter_mut().zip(0..).for_each(|(value, i)| *value = i as f32);
        let bytes = buffer.into_bytes();
        assert_eq!(bytes.len(), MIN_VALUES * 4);
        assert_eq!(bytes[4 * 1000..4 * 1001], 1000f32.to_ne_bytes());
    }
}
