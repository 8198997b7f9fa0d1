//! Corners: maxima of the smaller eigenvalue of the structure tensor (Shi, Tomasi: *Good features to track*, CVPR 1994).

use simd::Level as Simd;

use super::pyramid::{Level, MARGIN};

/// Sums of the tensor reach this far around a pixel.
const RADIUS: usize = 3;
/// Least eigenvalue: a mean squared slope of 1 grey level a pixel. Sobel's slopes are 8 times as large, over 49 pixels.
const LEAST: f32 = 49.0 * 64.0;
/// Corners keep this distance from the border of the picture.
const EDGE: usize = 3;

/// Corner of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corner {
    /// Column in the padded plane.
    pub x: usize,
    /// Row in the padded plane.
    pub y: usize,
    /// Offset of the maximum between pixels, within half a pixel.
    pub offset: [f32; 2],
    /// Smaller eigenvalue.
    pub strength: f32,
}

/// Finds all corners, row by row.
pub(super) fn corners(level: &Level) -> Vec<Corner> {
    let [width, height] = level.sides();
    let mut found = Vec::new();
    if width.min(height) <= 2 * EDGE {
        return found;
    }
    let strengths = strengths(level);
    let mut peaks = vec![false; strengths.width];
    for y in MARGIN + EDGE..MARGIN + height - EDGE {
        strengths.find_peaks(y, &mut peaks);
        let columns = MARGIN + EDGE..MARGIN + width - EDGE;
        found.extend(columns.filter(|&x| peaks[x]).map(|x| strengths.corner(x, y)));
    }
    found
}

/// Strength of every pixel, `[height, width]`. Rows that no corner needs are 0.
struct Strengths {
    width: usize,
    values: Vec<f32>,
}

impl Strengths {
    fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..][..self.width]
    }

    /// Marks pixels that are strong enough and weaker than none of their 8 neighbours.
    fn find_peaks(&self, y: usize, peaks: &mut [bool]) {
        let [above, row, below] = [self.row(y - 1), self.row(y), self.row(y + 1)];
        Simd::detected().run(
            #[inline(always)]
            || {
                let last = row.len() - 1;
                for x in 1..last {
                    let highest = |row: &[f32]| max(max(row[x - 1], row[x]), row[x + 1]);
                    let most = max(max(highest(above), highest(below)), max(row[x - 1], row[x + 1]));
                    peaks[x] = (row[x] >= LEAST) & (row[x] >= most);
                }
            },
        );
    }

    /// Corner at a peak, refined by parabolas through it and its neighbours.
    fn corner(&self, x: usize, y: usize) -> Corner {
        let at = |x: usize, y: usize| self.values[y * self.width + x];
        let strength = at(x, y);
        let offset =
            [vertex(at(x - 1, y), strength, at(x + 1, y)), vertex(at(x, y - 1), strength, at(x, y + 1))];
        Corner { x, y, offset, strength }
    }
}

#[inline(always)]
fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Place of the maximum of a parabola through the values at -1, 0 and 1, of which the middle one is the largest.
fn vertex(before: f32, peak: f32, after: f32) -> f32 {
    let curvature = 2.0 * peak - before - after;
    if curvature > 0.0 { ((after - before) / (2.0 * curvature)).clamp(-0.5, 0.5) } else { 0.0 }
}

fn strengths(level: &Level) -> Strengths {
    let plane = &level.padded;
    let (width, height) = (plane.width, plane.height);
    let mut values = vec![0.0; width * height];
    let mut window = Window::new(width);
    // Rows MARGIN + EDGE - 1 and below need slopes from RADIUS rows above them.
    let first = MARGIN + EDGE - 1 - RADIUS;
    for y in first..height - first {
        let rows = [plane.row(y - 1), plane.row(y), plane.row(y + 1)];
        Simd::detected().run(
            #[inline(always)]
            || window.push(rows, y),
        );
        if y >= first + 2 * RADIUS {
            let out = &mut values[(y - RADIUS) * width..][..width];
            Simd::detected().run(
                #[inline(always)]
                || window.eigenvalues(out),
            );
        }
    }
    Strengths { width, values }
}

/// Products of slopes in the last rows, and their sums down the columns.
struct Window {
    /// Products xx, xy, yy of each row, in turn.
    rows: [[Vec<i32>; 3]; 2 * RADIUS + 1],
    /// Sums of `rows`.
    sums: [Vec<i32>; 3],
}

impl Window {
    fn new(width: usize) -> Self {
        let zeros = || std::array::from_fn(|_| vec![0; width]);
        Self { rows: std::array::from_fn(|_| zeros()), sums: zeros() }
    }

    /// Takes in the slopes of row `y` (Sobel), and drops the oldest row.
    #[inline(always)]
    fn push(&mut self, [above, row, below]: [&[u8]; 3], y: usize) {
        let oldest = &mut self.rows[y % (2 * RADIUS + 1)];
        let width = row.len();
        let [xx, xy, yy] = oldest.each_mut().map(|products| &mut products[..width]);
        let [sum_xx, sum_xy, sum_yy] = self.sums.each_mut().map(|sums| &mut sums[..width]);
        let (above, below) = (&above[..width], &below[..width]);
        for x in 1..width - 1 {
            let at = |row: &[u8], x: usize| i32::from(row[x]);
            let down = |x: usize| at(above, x) + 2 * at(row, x) + at(below, x);
            let across = |row: &[u8]| at(row, x - 1) + 2 * at(row, x) + at(row, x + 1);
            let (gx, gy) = (down(x + 1) - down(x - 1), across(below) - across(above));
            let (a, b, c) = (gx * gx, gx * gy, gy * gy);
            sum_xx[x] += a - xx[x];
            sum_xy[x] += b - xy[x];
            sum_yy[x] += c - yy[x];
            (xx[x], xy[x], yy[x]) = (a, b, c);
        }
    }

    /// Smaller eigenvalues of the tensors around each pixel of the middle row. Sums of 49 products of at most 1020^2 fit.
    #[inline(always)]
    fn eigenvalues(&self, out: &mut [f32]) {
        let inside = out.len() - 2 * RADIUS;
        let [xx, xy, yy] = self.sums.each_ref().map(|sums| shifted(sums, inside));
        for (x, out) in out[RADIUS..][..inside].iter_mut().enumerate() {
            let sum = |sums: &[&[i32]; 7]| sums.iter().map(|row| row[x]).sum::<i32>() as f32;
            let (a, b, c) = (sum(&xx), sum(&xy), sum(&yy));
            let half = 0.5 * (a - c);
            *out = 0.5 * (a + c) - (half * half + b * b).sqrt();
        }
    }
}

#[inline(always)]
fn shifted(sums: &[i32], length: usize) -> [&[i32]; 7] {
    std::array::from_fn(|i| &sums[i..][..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{features::pyramid::pyramid, plane::Plane};

    /// Plane that is bright in its lower right quadrant from (x, y) on.
    fn quadrant(x: usize, y: usize) -> Plane {
        let samples = (0..64 * 64).map(|i| if i % 64 >= x && i / 64 >= y { 200 } else { 20 }).collect();
        Plane { width: 64, height: 64, samples }
    }

    #[test]
    fn the_corner_of_a_quadrant_is_found() {
        let levels = pyramid(&quadrant(30, 25));
        let found = corners(&levels[0]);
        let strongest = found.iter().max_by(|a, b| a.strength.total_cmp(&b.strength)).expect("one corner");
        assert!(strongest.x.abs_diff(MARGIN + 30) <= 2 && strongest.y.abs_diff(MARGIN + 25) <= 2);
    }

    #[test]
    fn edges_are_no_corners() {
        let levels = pyramid(&quadrant(30, 0));
        assert_eq!(corners(&levels[0]).len(), 0);
    }

    #[test]
    fn strengths_are_those_of_direct_sums() {
        let samples: Vec<u8> = (0..40 * 30u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let level = &pyramid(&Plane { width: 40, height: 30, samples })[0];
        let plane = &level.padded;
        let at = |x: usize, y: usize| i64::from(plane.row(y)[x]);
        let slopes = |x: usize, y: usize| {
            let column = |x: usize| at(x, y - 1) + 2 * at(x, y) + at(x, y + 1);
            let row = |y: usize| at(x - 1, y) + 2 * at(x, y) + at(x + 1, y);
            [column(x + 1) - column(x - 1), row(y + 1) - row(y - 1)]
        };
        let strengths = strengths(level);
        for (x, y) in [(MARGIN + 3, MARGIN + 3), (MARGIN + 20, MARGIN + 11), (MARGIN + 36, MARGIN + 26)] {
            let around = (y - 3..=y + 3).flat_map(|y| (x - 3..=x + 3).map(move |x| (x, y)));
            let sums = around
                .map(|(x, y)| slopes(x, y))
                .fold([0; 3], |[a, b, c], [x, y]| [a + x * x, b + x * y, c + y * y]);
            let [a, b, c] = sums.map(|sum| sum as f64);
            let expected = 0.5 * (a + c) - (0.25 * (a - c).powi(2) + b * b).sqrt();
            let found = f64::from(strengths.row(y)[x]);
            assert!((found - expected).abs() < 1e-5 * (a + c), "{found} {expected}");
        }
    }
}
