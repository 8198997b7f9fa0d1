//! Memory for bodies, of which all requests together take no more than a bound.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Bytes that one permit stands for.
const PERMIT: usize = 4 << 10;

/// Memory for bodies.
#[derive(Clone)]
pub struct Memory(Arc<Semaphore>);

impl Memory {
    /// Memory of a number of bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / PERMIT).clamp(1, Semaphore::MAX_PERMITS))))
    }
}

/// Share of the memory, which grows with a body and is given back when it is dropped.
#[derive(Default)]
pub struct Share {
    permit: Option<OwnedSemaphorePermit>,
    /// Bytes that the permit stands for.
    covered: usize,
}

impl Share {
    /// Takes memory for `length` bytes in all.
    ///
    /// # Errors
    /// A problem with status 429 if there is not so much.
    pub fn cover(&mut self, memory: &Memory, length: usize) -> Result<(), Problem> {
        let Some(lacking) = length.checked_sub(self.covered).filter(|lacking| *lacking > 0) else {
            return Ok(());
        };
        let permits = lacking.div_ceil(PERMIT);
        let taken = memory.0.clone().try_acquire_many_owned(permits.try_into().unwrap_or(u32::MAX));
        let taken = taken.map_err(|_| Problem::busy("too many bodies are being read"))?;
        self.covered += permits * PERMIT;
        match &mut self.permit {
            Some(own) => own.merge(taken),
            None => self.permit = Some(taken),
        }
        Ok(())
    }

    /// Bytes that keep the share until their last copy is dropped.
    pub fn hold(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Held { bytes, _share: self })
    }
}

/// Bytes and their share of the memory.
struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_together_and_given_back() {
        let memory = Memory::new(10 * PERMIT);
        let (mut first, mut second) = (Share::default(), Share::default());
        first.cover(&memory, 1).unwrap();
        first.cover(&memory, PERMIT).unwrap();
        second.cover(&memory, 9 * PERMIT).unwrap();
        assert_eq!(first.cover(&memory, PERMIT + 1).unwrap_err().status, 429);
        drop(second);
        first.cover(&memory, 10 * PERMIT).unwrap();
        assert!(Share::default().cover(&memory, 1).is_err());
        drop(first);
        let mut third = Share::default();
        third.cover(&memory, 10 * PERMIT).unwrap();
        let bytes = third.hold(Bytes::from_static(b"abc"));
        let copy = bytes.slice(1..);
        drop(bytes);
        assert!(Share::default().cover(&memory, 1).is_err(), "a part is left: {copy:?}");
        drop(copy);
        Share::default().cover(&memory, 10 * PERMIT).unwrap();
    }
}
