//! Sums over rectangles of a mask.

/// Sums of a mask over all rectangles that begin at its first cell (a summed-area table).
pub(crate) struct Sums {
    /// `[height + 1][width + 1]`
    totals: Vec<u32>,
    stride: usize,
}

impl Sums {
    /// Sums a mask `[height][width]`.
    pub(crate) fn of(mask: &[bool], width: usize) -> Self {
        let stride = width + 1;
        let mut totals = vec![0; stride];
        for row in mask.chunks_exact(width) {
            let above = totals.len() - stride;
            let mut sum = 0;
            totals.push(0);
            for (x, cell) in row.iter().enumerate() {
                sum += u32::from(*cell);
                totals.push(sum + totals[above + x + 1]);
            }
        }
        Self { totals, stride }
    }

    /// Returns the number of marked cells in columns `left..right` of rows `top..bottom`.
    pub(crate) fn within(&self, [left, top, right, bottom]: [usize; 4]) -> u32 {
        let [upper, lower] = [top, bottom].map(|row| row * self.stride);
        self.totals[lower + right] + self.totals[upper + left]
            - self.totals[upper + right]
            - self.totals[lower + left]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_counts() {
        let (width, height) = (13, 9);
        let mask: Vec<bool> = (0..width * height).map(|i| i * i % 7 < 3).collect();
        let sums = Sums::of(&mask, width);
        for bounds in [[0, 0, 13, 9], [2, 3, 7, 8], [5, 5, 5, 9], [12, 8, 13, 9]] {
            let [left, top, right, bottom] = bounds;
            let cells = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
            let count = cells.filter(|(x, y)| mask[y * width + x]).count();
            assert_eq!(sums.within(bounds) as usize, count, "{bounds:?}");
        }
    }
}
