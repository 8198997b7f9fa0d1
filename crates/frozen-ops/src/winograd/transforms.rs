//! The transforms of Winograd's minimal filtering, for 3x3 windows (Lavin and Gray, CVPR 2016).
//!
//! `F(m x m, 3 x 3)` computes `m x m` outputs from `(m + 2)^2` inputs: `Y = A^T [(G g G^T) . (B^T d B)] A`.

use crate::raw::Lanes;

/// `F(OUT x OUT, 3 x 3)` with `IN = OUT + 2`, in one of both directions.
pub(super) trait Filter<const IN: usize, const OUT: usize> {
    /// `G`, `[IN, 3]`.
    const G: [[f64; 3]; IN];

    /// `B^T d`.
    fn input<L: Lanes>(d: [L; IN]) -> [L; IN];

    /// `A^T m`.
    fn output<L: Lanes>(m: [L; IN]) -> [L; OUT];

    /// `B^T d B`, transposed, of rows that `row` gives.
    #[inline(always)]
    fn input_square<L: Lanes>(row: impl Fn(usize) -> [L; IN], mut column: impl FnMut(usize, [L; IN])) {
        let mut half = [[L::splat(0.0); IN]; IN];
        for i in 0..IN {
            let row = Self::input(row(i));
            for (column, lanes) in half.iter_mut().zip(row) {
                column[i] = lanes;
            }
        }
        for (j, half) in half.into_iter().enumerate() {
            column(j, Self::input(half));
        }
    }

    /// `A^T m A`, transposed, of rows that `row` gives.
    #[inline(always)]
    fn output_square<L: Lanes>(row: impl Fn(usize) -> [L; IN], mut column: impl FnMut(usize, [L; OUT])) {
        let mut half = [[L::splat(0.0); IN]; OUT];
        for i in 0..IN {
            let row = Self::output(row(i));
            for (column, lanes) in half.iter_mut().zip(row) {
                column[i] = lanes;
            }
        }
        for (j, half) in half.into_iter().enumerate() {
            column(j, Self::output(half));
        }
    }
}

/// `F(2 x 2, 3 x 3)`, of interpolation points 0, 1, -1.
pub(super) struct F2;

/// `F(4 x 4, 3 x 3)`, of interpolation points 0, 1, -1, 2, -2.
pub(super) struct F4;

impl Filter<4, 2> for F2 {
    const G: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn input<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 4] {
        [a.minus(c), b.plus(c), c.minus(b), b.minus(d)]
    }

    #[inline(always)]
    fn output<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 2] {
        [a.plus(b).plus(c), b.minus(c).minus(d)]
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
    fn input<L: Lanes>([a, b, c, d, e, f]: [L; 6]) -> [L; 6] {
        let (even, odd) = (e.plus_scaled(c, -4.0), d.plus_scaled(b, -4.0));
        let (even2, odd2) = (e.minus(c), d.minus(b));
        [
            e.plus_scaled(a, 4.0).plus_scaled(c, -5.0),
            even.plus(odd),
            even.minus(odd),
            even2.plus_scaled(odd2, 2.0),
            even2.plus_scaled(odd2, -2.0),
            f.plus_scaled(b, 4.0).plus_scaled(d, -5.0),
        ]
    }

    #[inline(always)]
    fn output<L: Lanes>([a, b, c, d, e, f]: [L; 6]) -> [L; 4] {
        let (even, odd, even2, odd2) = (b.plus(c), b.minus(c), d.plus(e), d.minus(e));
        [
            a.plus(even).plus(even2),
            odd.plus_scaled(odd2, 2.0),
            even.plus_scaled(even2, 4.0),
            odd.plus_scaled(odd2, 8.0).plus(f),
        ]
    }
}
