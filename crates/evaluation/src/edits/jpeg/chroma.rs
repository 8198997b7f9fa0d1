//! Chroma at half resolution, and its interpolation by libjpeg's triangle filter.

use image::RgbImage;

use super::{
    colour::{Difference, difference},
    plane::Plane,
};

/// Averages colour differences over 2x2 pixels. The last column and row are repeated where a side is odd, and to fill the
/// last block of a row.
pub(super) fn halve(image: &RgbImage, weights: Difference) -> Plane {
    let (columns, rows) = (image.width().div_ceil(2) as usize, image.height().div_ceil(2) as usize);
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let level = |x: u32, y: u32| difference(image.get_pixel(x.min(right), y.min(bottom)).0, weights);
    Plane::new(columns, rows, |row, levels| {
        let y = 2 * row as u32;
        for (column, halved) in levels.iter_mut().enumerate() {
            let x = 2 * column as u32;
            let sum = level(x, y) + level(x + 1, y) + level(x, y + 1) + level(x + 1, y + 1);
            // libjpeg rounds halves up in every other column only, so that levels do not drift.
            *halved = ((sum + 1 + column as i32 % 2) >> 2) as u8;
        }
    })
}

/// Returns row `y` at full resolution, of at least `width` levels.
pub(super) fn row(plane: &Plane, y: usize, width: usize) -> Vec<u8> {
    let columns = width.div_ceil(2);
    let near = plane.row(y / 2);
    // libjpeg repeats the levels of pictures this narrow.
    if columns <= 2 {
        return near.iter().flat_map(|level| [*level; 2]).collect();
    }
    let beside = if y.is_multiple_of(2) { (y / 2).saturating_sub(1) } else { y / 2 + 1 };
    let far = plane.row(beside.min(plane.rows() - 1));
    let sums: Vec<u16> =
        near.iter().zip(far).take(columns).map(|(n, f)| 3 * u16::from(*n) + u16::from(*f)).collect();
    let between = |column: usize| {
        let (before, after) = (sums[column.saturating_sub(1)], sums[(column + 1).min(columns - 1)]);
        [3 * sums[column] + before + 8, 3 * sums[column] + after + 7].map(|sum| (sum >> 4) as u8)
    };
    (0..columns).flat_map(between).collect()
}
