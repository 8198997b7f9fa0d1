//! The transforms of Winograd's minimal filtering, for 3x3 windows (Lavin and Gray, CVPR 2016).
//!
//! `F(m x m, 3 x 3)` computes `m x m` outputs from `(m + 2)^2` inputs: `Y = A^T [(G g G^T) . (B^T d B)] A`.

use std::ops::{Add, Mul, Sub};

/// Values of neighbouring channels.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(super) struct Lanes(pub [f32; Lanes::COUNT]);

impl Lanes {
    pub const COUNT: usize = 16;
    pub const ZERO: Self = Self([0.0; Self::COUNT]);

    /// Of `count` values, at most as many as there are lanes; the others are 0.
    ///
    /// # Safety
    ///
    /// They are readable.
    #[inline(always)]
    pub unsafe fn load(values: *const f32, count: usize) -> Self {
        // SAFETY: the caller's.
        unsafe {
            if count == Self::COUNT {
                return Self(values.cast::<[f32; Self::COUNT]>().read());
            }
            let mut lanes = Self::ZERO;
            values.copy_to_nonoverlapping(lanes.0.as_mut_ptr(), count);
            lanes
        }
    }

    /// The first `count` lanes.
    ///
    /// # Safety
    ///
    /// They are writable.
    #[inline(always)]
    pub unsafe fn store(self, values: *mut f32, count: usize) {
        // SAFETY: the caller's.
        unsafe {
            if count == Self::COUNT {
                return values.cast::<[f32; Self::COUNT]>().write(self.0);
            }
            self.0.as_ptr().copy_to_nonoverlapping(values, count);
        }
    }

    /// The lanes that are above 0, and 0 for the others.
    #[inline(always)]
    pub fn positive(mut self) -> Self {
        self.0.iter_mut().for_each(|lane| *lane = if *lane > 0.0 { *lane } else { 0.0 });
        self
    }

    #[inline(always)]
    pub fn zip(self, other: Self, join: impl Fn(f32, f32) -> f32) -> Self {
        let mut lanes = self;
        lanes.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = join(*a, b));
        lanes
    }
}

impl Add for Lanes {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul<f32> for Lanes {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        let mut lanes = self;
        lanes.0.iter_mut().for_each(|lane| *lane *= factor);
        lanes
    }
}

/// `F(OUT x OUT, 3 x 3)` with `IN = OUT + 2`, in one of both directions.
pub(super) trait Filter<const IN: usize, const OUT: usize> {
    /// `G`, `[IN, 3]`.
    const G: [[f64; 3]; IN];

    /// `B^T d`.
    fn input(d: [Lanes; IN]) -> [Lanes; IN];

    /// `A^T m`.
    fn output(m: [Lanes; IN]) -> [Lanes; OUT];

    /// `B^T d B`, transposed.
    #[inline(always)]
    fn input_square(d: &[[Lanes; IN]; IN]) -> [[Lanes; IN]; IN] {
        let mut half = [[Lanes::ZERO; IN]; IN];
        for (i, &row) in d.iter().enumerate() {
            let row = Self::input(row);
            half.iter_mut().zip(&row).for_each(|(column, &lanes)| column[i] = lanes);
        }
        half.iter_mut().for_each(|column| *column = Self::input(*column));
        half
    }

    /// `A^T m A`, transposed.
    #[inline(always)]
    fn output_square(m: &[[Lanes; IN]; IN]) -> [[Lanes; OUT]; OUT] {
        let mut half = [[Lanes::ZERO; IN]; OUT];
        for (i, &row) in m.iter().enumerate() {
            let row = Self::output(row);
            half.iter_mut().zip(&row).for_each(|(column, &lanes)| column[i] = lanes);
        }
        let mut out = [[Lanes::ZERO; OUT]; OUT];
        out.iter_mut().zip(&half).for_each(|(out, &column)| *out = Self::output(column));
        out
    }
}

/// `F(2 x 2, 3 x 3)`, of interpolation points 0, 1, -1.
pub(super) struct F2;

/// `F(4 x 4, 3 x 3)`, of interpolation points 0, 1, -1, 2, -2.
pub(super) struct F4;

impl Filter<4, 2> for F2 {
    const G: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn input([a, b, c, d]: [Lanes; 4]) -> [Lanes; 4] {
        [a - c, b + c, c - b, b - d]
    }

    #[inline(always)]
    fn output([a, b, c, d]: [Lanes; 4]) -> [Lanes; 2] {
        [a + b + c, b - c - d]
    }
}

impl Filter<6, 4> for F4 {
    const G: [[f64; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn input([a, b, c, d, e, f]: [Lanes; 6]) -> [Lanes; 6] {
        let (even, odd) = (e - c * 4.0, d - b * 4.0);
        let (even2, odd2) = (e - c, (d - b) * 2.0);
        [a * 4.0 - c * 5.0 + e, even + odd, even - odd, even2 + odd2, even2 - odd2, b * 4.0 - d * 5.0 + f]
    }

    #[inline(always)]
    fn output([a, b, c, d, e, f]: [Lanes; 6]) -> [Lanes; 4] {
        let (even, odd, even2, odd2) = (b + c, b - c, d + e, d - e);
        [a + even + even2, odd + odd2 * 2.0, even + even2 * 4.0, odd + odd2 * 8.0 + f]
    }
}
