//! Transforms of Winograd's minimal filtering for 3x3 windows (Lavin and Gray, CVPR 2016).
//!
//! `F(m x m, 3 x 3)` computes `m x m` outputs from `(m + 2)^2` inputs: `Y = A^T [(G g G^T) . (B^T d B)] A`.

use simd::Lanes;

/// One dimension of `F(OUT x OUT, 3 x 3)`, with `IN = OUT + 2`.
pub(super) trait Filter<const IN: usize, const OUT: usize> {
    /// Transform of the weights, `G`, `[IN, 3]`.
    const G: [[f64; 3]; IN];

    /// Returns `B^T d`.
    fn input<L: Lanes>(d: [L; IN]) -> [L; IN];

    /// Returns `A^T m`.
    fn output<L: Lanes>(m: [L; IN]) -> [L; OUT];

    /// Computes `B^T d B` of the rows of `d`, and passes its columns to `column`.
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

    /// Computes `A^T m A` of the rows of `m`, and passes its columns to `column`.
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

/// `F(2 x 2, 3 x 3)` at the interpolation points 0, 1, -1.
pub(super) struct F2;

/// `F(4 x 4, 3 x 3)` at the interpolation points 0, 1, -1, 2, -2.
pub(super) struct F4;

impl Filter<4, 2> for F2 {
    const G: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn input<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 4] {
        [a - c, b + c, c - b, b - d]
    }

    #[inline(always)]
    fn output<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 2] {
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
    fn input<L: Lanes>([a, b, c, d, e, f]: [L; 6]) -> [L; 6] {
        let (even, odd) = (e.add_scaled(-4.0, c), d.add_scaled(-4.0, b));
        let (even2, odd2) = (e - c, d - b);
        [
            e.add_scaled(4.0, a).add_scaled(-5.0, c),
            even + odd,
            even - odd,
            even2.add_scaled(2.0, odd2),
            even2.add_scaled(-2.0, odd2),
            f.add_scaled(4.0, b).add_scaled(-5.0, d),
        ]
    }

    #[inline(always)]
    fn output<L: Lanes>([a, b, c, d, e, f]: [L; 6]) -> [L; 4] {
        let (even, odd, even2, odd2) = (b + c, b - c, d + e, d - e);
        [
            a + even + even2,
            odd.add_scaled(2.0, odd2),
            even.add_scaled(4.0, even2),
            odd.add_scaled(8.0, odd2) + f,
        ]
    }
}
