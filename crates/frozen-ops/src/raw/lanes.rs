//! Values of neighbouring channels, in the registers of a level.

/// Channels that are computed together: a cache line, a word of signs.
pub(crate) const LANES: usize = 16;

/// [`LANES`] values.
///
/// Only [`super::Level::with_lanes`] and the tiles of a level name the types that have this, where the processor has their
/// instructions: that makes the safe methods safe.
pub(crate) trait Lanes: Copy {
    fn splat(value: f32) -> Self;

    /// Of `count` values, at most as many as there are lanes; the others are 0.
    ///
    /// # Safety
    ///
    /// They are readable.
    unsafe fn load(values: *const f32, count: usize) -> Self;

    /// The first `count` lanes.
    ///
    /// # Safety
    ///
    /// They are writable.
    unsafe fn store(self, values: *mut f32, count: usize);

    fn plus(self, other: Self) -> Self;

    fn minus(self, other: Self) -> Self;

    /// `self + factor * other`; fused where the level has it.
    fn plus_scaled(self, other: Self, factor: f32) -> Self;

    /// The lanes that are above 0, and 0 for the others.
    fn positive(self) -> Self;

    /// The lanes whose bits are set, and 0 for the others.
    fn keep(self, word: u16) -> Self;

    /// A bit for each lane that is above 0.
    fn signs(self) -> u16;
}

/// Work on values of neighbouring channels.
pub(crate) trait LanesWork {
    /// Does it in the registers of a level.
    fn run<L: Lanes>(self);
}

/// The specification.
#[derive(Clone, Copy)]
pub(super) struct Scalar([f32; LANES]);

impl Scalar {
    fn zip(mut self, other: Self, join: impl Fn(f32, f32) -> f32) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = join(*a, b));
        self
    }
}

impl Lanes for Scalar {
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    unsafe fn load(values: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller's.
        unsafe { values.copy_to_nonoverlapping(lanes.as_mut_ptr(), count) };
        Self(lanes)
    }

    unsafe fn store(self, values: *mut f32, count: usize) {
        // SAFETY: the caller's.
        unsafe { self.0.as_ptr().copy_to_nonoverlapping(values, count) };
    }

    fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    fn plus_scaled(self, other: Self, factor: f32) -> Self {
        self.zip(other, |a, b| a + factor * b)
    }

    fn positive(self) -> Self {
        self.zip(self, |a, _| if a > 0.0 { a } else { 0.0 })
    }

    fn keep(mut self, word: u16) -> Self {
        let lanes = self.0.iter_mut().enumerate();
        lanes.filter(|(i, _)| word >> i & 1 == 0).for_each(|(_, lane)| *lane = 0.0);
        self
    }

    fn signs(self) -> u16 {
        self.0.iter().enumerate().map(|(i, &lane)| u16::from(lane > 0.0) << i).sum()
    }
}
