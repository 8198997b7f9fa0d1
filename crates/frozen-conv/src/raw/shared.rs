//! A buffer that threads write disjoint parts of.

use std::marker::PhantomData;

/// Floats that several threads write, each its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    length: usize,
    buffer: PhantomData<&'a mut [f32]>,
}

// SAFETY: it hands out nothing but pointers; whoever writes through them promises to write what no other thread does.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(buffer: &'a mut [f32]) -> Self {
        Self { start: buffer.as_mut_ptr(), length: buffer.len(), buffer: PhantomData }
    }

    /// Where `count` floats from `start` on lie.
    ///
    /// # Panics
    ///
    /// Where the buffer has no such floats.
    pub fn at(self, start: usize, count: usize) -> *mut f32 {
        assert!(count <= self.length && start <= self.length - count, "{start} + {count} of {}", self.length);
        // SAFETY: within the buffer.
        unsafe { self.start.add(start) }
    }

    /// `count` floats from `start` on.
    ///
    /// # Safety
    ///
    /// No other part handed out overlaps with this one while it lives.
    ///
    /// # Panics
    ///
    /// Where the buffer has no such floats.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, start: usize, count: usize) -> &mut [f32] {
        // SAFETY: within the buffer, which lives as long; the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.at(start, count), count) }
    }
}
