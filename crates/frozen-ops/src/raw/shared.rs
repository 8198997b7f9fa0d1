//! A buffer that threads write disjoint parts of.

use std::marker::PhantomData;

/// Values that several threads write, each its own.
pub(crate) struct Shared<'a, T = f32> {
    start: *mut T,
    length: usize,
    buffer: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: it hands out nothing but pointers; whoever writes through them promises to write what no other thread does.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub fn new(buffer: &'a mut [T]) -> Self {
        Self { start: buffer.as_mut_ptr(), length: buffer.len(), buffer: PhantomData }
    }

    /// Where `count` values from `start` on lie.
    ///
    /// # Panics
    ///
    /// Where the buffer has no such values.
    pub fn at(self, start: usize, count: usize) -> *mut T {
        assert!(count <= self.length && start <= self.length - count, "{start} + {count} of {}", self.length);
        // SAFETY: within the buffer.
        unsafe { self.start.add(start) }
    }

    /// `count` values from `start` on.
    ///
    /// # Safety
    ///
    /// No other part handed out overlaps with this one while it lives.
    ///
    /// # Panics
    ///
    /// Where the buffer has no such values.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, start: usize, count: usize) -> &mut [T] {
        // SAFETY: within the buffer, which lives as long; the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.at(start, count), count) }
    }
}
