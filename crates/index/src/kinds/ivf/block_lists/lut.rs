//! Look-up tables quantised to 8 bits. As in faiss, all tables of one query share a scale, so that 16-bit
//! sums are comparable across cells, and the row minima move into the cells' 16-bit biases.

use crate::{kernels::fast_scan::KSUB, quantise::fast_scan_pq::Row};

/// Range of the rows of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Extent {
    /// Largest span of a row, its maximum minus its minimum.
    pub widest: f32,
    /// Sum of the spans.
    pub total: f32,
    /// Sum of the minima.
    pub floor: f32,
}

impl Extent {
    /// Computes the extent and writes the minimum of each row to `minima`, `[m]`.
    #[inline(always)]
    pub fn of(rows: impl Iterator<Item = Row>, minima: &mut [f32]) -> Self {
        let mut extent = Self::default();
        for (row, minimum) in rows.zip(minima) {
            *minimum = fold(row, |a, b| if b < a { b } else { a });
            let span = fold(row, |a, b| if b > a { b } else { a }) - *minimum;
            extent.widest = extent.widest.max(span);
            extent.total += span;
            extent.floor += *minimum;
        }
        extent
    }
}

/// Reduces a row by halving; each step is one vector instruction.
#[inline(always)]
fn fold(row: Row, choose: impl Fn(f32, f32) -> f32) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|i| choose(row[i], row[i + 8]));
    let four: [f32; 4] = std::array::from_fn(|i| choose(eight[i], eight[i + 4]));
    choose(choose(four[0], four[2]), choose(four[1], four[3]))
}

/// Scale of a query's 16-bit distances: `offset + sum / scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantisation {
    scale: f32,
    offset: f32,
}

impl Quantisation {
    /// Chooses the scale from `cells`, the bias and table extent of each cell; at least one.
    pub fn new(cells: impl Iterator<Item = (f32, Extent)> + Clone) -> Self {
        let least_bias = cells.clone().map(|(bias, _)| bias).fold(f32::INFINITY, f32::min);
        let widest = cells.clone().map(|(_, extent)| extent.widest).fold(0.0, f32::max);
        let total = cells.clone().map(|(bias, extent)| bias - least_bias + extent.total).fold(0.0, f32::max);
        let offset = cells.map(|(bias, extent)| bias + extent.floor).fold(f32::INFINITY, f32::min);
        let scale = (255.0 / widest).min(65535.0 / total);
        // If all spans are 0, any scale will do.
        Self { scale: if scale.is_finite() { scale } else { 1.0 }, offset }
    }

    /// Bias of a cell in units of the sums.
    pub fn bias(&self, bias: f32, extent: Extent) -> u16 {
        ((bias + extent.floor - self.offset) * self.scale + 0.5) as u16
    }

    /// Writes `rows` minus their minima `[m]` to `table`, `[rows, KSUB]` bytes; further rows of `table` are
    /// unchanged.
    #[inline(always)]
    pub fn quantise(&self, rows: impl Iterator<Item = Row>, minima: &[f32], table: &mut [u8]) {
        for ((row, &minimum), bytes) in rows.zip(minima).zip(table.as_chunks_mut::<KSUB>().0) {
            *bytes = row.map(|value| ((value - minimum) * self.scale + 0.5) as i32 as u8);
        }
    }

    /// Sum that represents a distance, rounded down as faiss does.
    pub fn sum(&self, distance: f32) -> f32 {
        ((distance - self.offset) * self.scale).floor()
    }

    /// Distance that a sum represents.
    pub fn distance(&self, sum: f32) -> f32 {
        self.offset + sum * (1.0 / self.scale)
    }
}

/// Inverts a table of inner products so that smaller sums are nearer: subtracts every entry from the largest
/// of its row and returns the sum of the largest entries.
#[inline(always)]
pub(crate) fn invert(table: &mut [u8]) -> u32 {
    let mut sum = 0;
    for row in table.as_chunks_mut::<KSUB>().0 {
        let largest = row.iter().fold(0, |a, &b| a.max(b));
        *row = row.map(|entry| largest - entry);
        sum += u32::from(largest);
    }
    sum
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::quantise::random_streams::seeded;

    fn random_rows(m: usize, stream: u64) -> Vec<Row> {
        let mut rng = seeded(4, stream);
        (0..m).map(|_| std::array::from_fn(|_| rng.random_range(-3.0..5.0))).collect()
    }

    #[test]
    fn extents_are_those_of_the_rows() {
        let mut rows = random_rows(3, 0);
        rows[1] = [2.0; KSUB];
        let mut minima = [0.0; 3];
        let extent = Extent::of(rows.iter().copied(), &mut minima);
        let minimum = |row: &Row| row.iter().copied().fold(f32::MAX, f32::min);
        let maximum = |row: &Row| row.iter().copied().fold(f32::MIN, f32::max);
        let spans: Vec<f32> = rows.iter().map(|row| maximum(row) - minimum(row)).collect();
        assert_eq!(minima, [0, 1, 2].map(|j| minimum(&rows[j])));
        assert_eq!(extent.widest, spans[0].max(spans[2]));
        assert_eq!(extent.total, spans[0] + spans[1] + spans[2]);
        assert_eq!(extent.floor, minima[0] + minima[1] + minima[2]);
    }

    #[test]
    fn sums_represent_their_distances() {
        let (first, second) = (random_rows(8, 1), random_rows(8, 2));
        let mut minima = [[0.0; 8]; 2];
        let extents = [
            Extent::of(first.iter().copied(), &mut minima[0]),
            Extent::of(second.iter().copied(), &mut minima[1]),
        ];
        let biases = [4.0, -2.5];
        let quantisation = Quantisation::new(biases.into_iter().zip(extents));
        for (cell, rows) in [&first, &second].into_iter().enumerate() {
            let mut table = [0; 8 * KSUB];
            quantisation.quantise(rows.iter().copied(), &minima[cell], &mut table);
            let code: [usize; 8] = std::array::from_fn(|j| (j * 5 + cell) % KSUB);
            let sum: f32 = code.iter().enumerate().map(|(j, &c)| f32::from(table[j * KSUB + c])).sum();
            let sum = sum + f32::from(quantisation.bias(biases[cell], extents[cell]));
            let exact: f32 = biases[cell] + code.iter().zip(rows).map(|(&c, row)| row[c]).sum::<f32>();
            // Each of the 8 entries and the bias is off by at most half a unit; the widest span is 255 units.
            let unit = extents[0].widest.max(extents[1].widest) / 255.0;
            assert!((quantisation.distance(sum) - exact).abs() <= 4.5 * unit + 1e-4);
        }
    }

    #[test]
    fn tables_without_span_keep_their_distance() {
        let rows = [[1.5; KSUB]; 2];
        let extent = Extent::of(rows.into_iter(), &mut [0.0; 2]);
        let quantisation = Quantisation::new(std::iter::once((2.0, extent)));
        assert_eq!(quantisation.bias(2.0, extent), 0);
        assert_eq!(quantisation.distance(0.0), 5.0);
    }

    #[test]
    fn an_inverted_table_counts_down() {
        let mut table: Vec<u8> = (0..32).map(|i| i * 8).collect();
        assert_eq!(invert(&mut table), 120 + 248);
        assert_eq!((table[0], table[15], table[16], table[31]), (120, 0, 120, 0));
    }
}
