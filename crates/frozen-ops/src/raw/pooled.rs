//! Buffers that are used again.
//!
//! A network's buffers are large and have the same sizes in every pass. Given back to the operating system they would
//! have to be mapped and cleared again for the next: a fifth of a pass.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Bytes;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};

/// Bytes that are kept for later at most; what was given back first is freed first.
const MOST_BYTES: usize = 512 << 20;
/// Smaller buffers are left to the allocator.
const FEW_VALUES: usize = 1 << 12;

static KEPT: Mutex<VecDeque<Vec<f32>>> = Mutex::new(VecDeque::new());

fn kept() -> MutexGuard<'static, VecDeque<Vec<f32>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `len` floats of any value, until they are dropped.
#[derive(Debug)]
pub(crate) struct Pooled(Vec<f32>);

impl Pooled {
    pub fn new(len: usize) -> Self {
        let found = {
            let mut kept = kept();
            let place = kept.iter().rposition(|buffer| buffer.len() == len);
            place.and_then(|place| kept.remove(place))
        };
        Self(found.unwrap_or_else(|| vec![0.0; len]))
    }

    pub fn values(&mut self) -> &mut [f32] {
        &mut self.0
    }

    /// The values as a tensor's bytes.
    pub fn into_bytes(self) -> Bytes {
        let len = size_of_val(&self.0[..]);
        // SAFETY: all `len` bytes are initialised.
        unsafe { Bytes::from_controller(Box::new(self), len) }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.len() < FEW_VALUES {
            return;
        }
        let mut kept = kept();
        kept.push_back(buffer);
        let mut bytes: usize = kept.iter().map(|buffer| size_of_val(&buffer[..])).sum();
        while bytes > MOST_BYTES {
            bytes -= kept.pop_front().map_or(bytes, |buffer| size_of_val(&buffer[..]));
        }
    }
}

impl AllocationController for Pooled {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _policy: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes = size_of_val(&self.0[..]);
        // SAFETY: any bytes are floats; the caller writes none that are not initialised.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), bytes) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        // SAFETY: these bytes, and initialised ones may be looked at as any.
        Ok(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), size_of_val(&self.0[..])) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_with_the_same_length() {
        let len = FEW_VALUES + 7;
        let mut first = Pooled::new(len);
        first.values().fill(3.0);
        let place = first.0.as_ptr();
        drop(first.into_bytes());
        let mut others = [Pooled::new(len + 1), Pooled::new(len)];
        assert_eq!(others[1].0.as_ptr(), place);
        assert_eq!(others.each_mut().map(|other| other.values().len()), [len + 1, len]);
    }

    #[test]
    fn bytes_are_the_values() {
        let mut buffer = Pooled::new(FEW_VALUES);
        buffer.values().iter_mut().zip(0..).for_each(|(value, i)| *value = i as f32);
        let bytes = buffer.into_bytes();
        assert_eq!(bytes.len(), FEW_VALUES * 4);
        assert_eq!(bytes[4 * 1000..4 * 1001], 1000f32.to_ne_bytes());
    }
}
