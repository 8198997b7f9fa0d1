//! Slice that threads write disjoint parts of.

use std::marker::PhantomData;

/// Mutable slice shared by threads, each of which writes its own part.
pub(crate) struct SharedSlice<'a, T = f32> {
    start: *mut T,
    length: usize,
    slice: PhantomData<&'a mut [T]>,
}

impl<T> Clone for SharedSlice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SharedSlice<'_, T> {}

// SAFETY: it only hands out pointers; callers of the unsafe methods promise to access disjoint parts.
unsafe impl<T: Send> Send for SharedSlice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    /// Shares `slice`.
    pub fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), slice: PhantomData }
    }

    /// Returns a pointer to `count` values from index `start` on.
    ///
    /// # Panics
    /// If they lie outside of the slice.
    pub fn at(self, start: usize, count: usize) -> *mut T {
        assert!(count <= self.length && start <= self.length - count, "{start} + {count} of {}", self.length);
        // SAFETY: within the slice.
        unsafe { self.start.add(start) }
    }

    /// Returns `count` values from index `start` on.
    ///
    /// # Safety
    /// No other part that is borrowed meanwhile overlaps this one.
    ///
    /// # Panics
    /// If they lie outside of the slice.
    #[expect(clippy::mut_from_ref, reason = "the caller keeps parts disjoint")]
    pub unsafe fn part(&self, start: usize, count: usize) -> &mut [T] {
        // SAFETY: within the slice, which lives as long; the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.at(start, count), count) }
    }
}
