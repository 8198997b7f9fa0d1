//! Smoothing before pixels are compared.

use simd::Level;

use crate::plane::Plane;

/// Pixels of the kernel on either side.
const REACH: usize = 3;

/// Smooths by (1, 2, 3, 4, 3, 2, 1) / 16 along both axes, a deviation of 1.58 pixels. The outermost 3 pixels stay.
pub(super) fn smoothed(plane: &Plane) -> Plane {
    let mut out = plane.clone();
    let width = plane.width;
    if width <= 2 * REACH || plane.height <= 2 * REACH {
        return out;
    }
    let mut sums = vec![0u16; width];
    for y in REACH..plane.height - REACH {
        let rows = std::array::from_fn(|i| plane.row(y + i - REACH));
        let out = &mut out.samples[y * width..][REACH..width - REACH];
        Level::detected().run(
            #[inline(always)]
            || {
                down(rows, &mut sums);
                across(&sums, out);
            },
        );
    }
    out
}

/// Weighted sums of 7 rows, at most 16 * 255.
#[inline(always)]
fn down(rows: [&[u8]; 7], sums: &mut [u16]) {
    let n = sums.len();
    let (a, b, c, d) = (&rows[0][..n], &rows[1][..n], &rows[2][..n], &rows[3][..n]);
    let (e, f, g) = (&rows[4][..n], &rows[5][..n], &rows[6][..n]);
    let wide = |row: &[u8], x: usize| u16::from(row[x]);
    for (x, sum) in sums.iter_mut().enumerate() {
        let (outer, inner) = (wide(a, x) + wide(g, x), wide(b, x) + wide(f, x));
        *sum = outer + 2 * inner + 3 * (wide(c, x) + wide(e, x)) + 4 * wide(d, x);
    }
}

/// Weighted means of 7 neighbours; sums are at most 256 * 255 + 128, which fits 16 bits.
#[inline(always)]
fn across(sums: &[u16], out: &mut [u8]) {
    let n = out.len();
    let (a, b, c, d) = (&sums[..n], &sums[1..][..n], &sums[2..][..n], &sums[3..][..n]);
    let (e, f, g) = (&sums[4..][..n], &sums[5..][..n], &sums[6..][..n]);
    for (x, out) in out.iter_mut().enumerate() {
        let (outer, inner) = (a[x] + g[x], b[x] + f[x]);
        *out = ((outer + 2 * inner + 3 * (c[x] + e[x]) + 4 * d[x] + 128) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_the_kernel() {
        let mut samples = vec![0; 15 * 15];
        samples[7 * 15 + 7] = 255;
        let out = smoothed(&Plane { width: 15, height: 15, samples });
        let kernel = [1, 2, 3, 4, 3, 2, 1];
        for (i, a) in kernel.iter().enumerate() {
            for (j, b) in kernel.iter().enumerate() {
                assert_eq!(u32::from(out.row(4 + i)[4 + j]), (255 * a * b + 128) / 256);
            }
        }
    }

    #[test]
    fn white_stays_white() {
        let white = Plane { width: 20, height: 9, samples: vec![255; 180] };
        assert_eq!(smoothed(&white), white);
    }
}
