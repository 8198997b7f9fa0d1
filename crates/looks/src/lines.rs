//! Long straight edges along the rows of a picture.

use image::RgbImage;

/// Cells on either side along the row over which a step is averaged.
const REACH: usize = 2;

/// Least step across an edge in levels.
const LEAST_STEP: f32 = 10.0;

/// Most edges kept.
const MOST_LINES: usize = 12;

/// Least length of an edge, as a share of the row.
const LEAST_LENGTH: f32 = 0.12;

/// Cells on edges between the rows of a picture.
pub(crate) struct Lines {
    /// Counts of marked cells before each column, `[height][width + 1]`.
    sums: Vec<u16>,
    stride: usize,
    /// Rows with the longest edges; the edge lies within row `r` or at one of its ends.
    pub rows: Vec<usize>,
}

impl Lines {
    /// Finds the cells at which the mean of five neighbours changes most between the row above and the row below, compared
    /// to the same change in the two rows on either side.
    pub(crate) fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let steps = steps(picture);
        let stride = width + 1;
        let mut sums = vec![0; stride * height];
        let mut lengths = Vec::new();
        for y in 2..height.saturating_sub(2) {
            let row = |y: usize| &steps[y * width..][..width];
            let near = [y - 2, y - 1, y + 1, y + 2].map(row);
            let marked = |x: usize| row(y)[x] >= LEAST_STEP && near.iter().all(|near| row(y)[x] >= near[x]);
            let marks: Vec<bool> = (0..width).map(marked).collect();
            let counts = &mut sums[y * stride..][..stride];
            (0..width).for_each(|x| counts[x + 1] = counts[x] + u16::from(marks[x]));
            lengths.push((longest(&marks), y));
        }
        Self { sums, stride, rows: best_rows(lengths, (LEAST_LENGTH * width as f32) as i32) }
    }

    /// Returns the number of marked cells of row `y` in columns `from..to`.
    pub(crate) fn marked(&self, y: usize, from: usize, to: usize) -> usize {
        let counts = &self.sums[y * self.stride..][..self.stride];
        usize::from(counts[to] - counts[from])
    }
}

/// Returns the largest step over the channels across each cell, from the row above to the row below, `[height][width]`.
fn steps(picture: &RgbImage) -> Vec<f32> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let levels = picture.as_raw().as_chunks::<3>().0;
    let mut steps = vec![0.0; width * height];
    let mut before = vec![[0_i32; 3]; width + 1];
    for y in 1..height.saturating_sub(1) {
        let (above, below) = (&levels[(y - 1) * width..][..width], &levels[(y + 1) * width..][..width]);
        for (x, (above, below)) in above.iter().zip(below).enumerate() {
            before[x + 1] = [0, 1, 2].map(|c| before[x][c] + i32::from(below[c]) - i32::from(above[c]));
        }
        for (x, step) in steps[y * width..][..width].iter_mut().enumerate() {
            let (from, to) = (x.saturating_sub(REACH), (x + REACH + 1).min(width));
            let sum = (0..3).map(|c| (before[to][c] - before[from][c]).abs()).max().unwrap_or(0);
            *step = sum as f32 / (to - from) as f32;
        }
    }
    steps
}

/// Returns the largest surplus of marked over unmarked cells in any stretch (Kadane's algorithm).
fn longest(marks: &[bool]) -> i32 {
    let stretch = |(best, running): (i32, i32), marked: &bool| {
        let running = (running + if *marked { 1 } else { -1 }).max(0);
        (best.max(running), running)
    };
    marks.iter().fold((0, 0), stretch).0
}

/// Returns the rows of the largest lengths, the largest first, none beside another.
fn best_rows(mut lengths: Vec<(i32, usize)>, least: i32) -> Vec<usize> {
    lengths.sort_by_key(|(length, y)| (std::cmp::Reverse(*length), *y));
    let mut rows: Vec<usize> = Vec::new();
    for (_, y) in lengths.into_iter().filter(|(length, _)| *length >= least.max(4)) {
        if rows.len() < MOST_LINES && rows.iter().all(|row| row.abs_diff(y) > 2) {
            rows.push(y);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_edges_of_a_rectangle_are_found() {
        let picture = RgbImage::from_fn(100, 60, |x, y| {
            let inside = (20..80).contains(&x) && (13..47).contains(&y);
            if inside { Rgb([(x * 3) as u8, 200, (y * 2) as u8]) } else { Rgb([255; 3]) }
        });
        let lines = Lines::of(&picture);
        assert_eq!(lines.rows.len(), 2, "{:?}", lines.rows);
        for row in &lines.rows {
            assert!([12, 13, 46, 47].contains(row), "{row}");
            assert!(lines.marked(*row, 20, 80) >= 56);
            assert!(lines.marked(*row, 0, 16) + lines.marked(*row, 84, 100) == 0);
        }
    }

    #[test]
    fn small_pictures_have_no_edges() {
        for (width, height) in [(1, 1), (1, 50), (50, 1), (3, 4), (4, 5)] {
            assert!(Lines::of(&RgbImage::new(width, height)).rows.is_empty());
        }
    }
}
