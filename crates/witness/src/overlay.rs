//! Pictures of a fit: a query laid over an entry's picture, and their difference.

use image::{Pixel, Rgb, RgbImage, imageops};

use crate::Fit;

/// Colour of pixels that the query does not cover.
pub const UNCOVERED: Rgb<u8> = Rgb([128; 3]);

/// Query as the entry's picture of `(width, height)` shows it, by the place that was fitted; [`UNCOVERED`] where the query
/// has no pixel.
pub fn laid_over(query: &RgbImage, fit: &Fit, (width, height): (u32, u32)) -> RgbImage {
    let [a, b, c] = fit.matrix;
    RgbImage::from_fn(width, height, |x, y| {
        let entry = [(f64::from(x) + 0.5) / f64::from(width), (f64::from(y) + 0.5) / f64::from(height), 1.0];
        let product = |row: [f64; 3]| row.iter().zip(entry).map(|(m, p)| m * p).sum::<f64>();
        let (u, v) = (product(a) / product(c), product(b) / product(c));
        imageops::sample_bilinear(query, u as f32, v as f32).unwrap_or(UNCOVERED)
    })
}

/// Mid-grey plus the amplified difference of a laid picture and the entry's picture; both have one size. The difference is
/// grey where the entry's picture is, and mid-grey where the laid picture is [`UNCOVERED`].
///
/// # Panics
/// If `laid` is smaller than `entry`.
pub fn difference(entry: &RgbImage, laid: &RgbImage, amplification: i32) -> RgbImage {
    let level = |a: u8, b: u8| {
        (i32::from(b) - i32::from(a)).saturating_mul(amplification).saturating_add(128).clamp(0, 255) as u8
    };
    let is_grey = entry.pixels().all(|Rgb([r, g, b])| r == g && g == b);
    RgbImage::from_fn(entry.width(), entry.height(), |x, y| {
        let (a, b) = (entry.get_pixel(x, y), laid.get_pixel(x, y));
        if *b == UNCOVERED {
            return UNCOVERED;
        }
        let [grey] = b.to_luma().0;
        Rgb(std::array::from_fn(|c| level(a[c], if is_grey { grey } else { b[c] })))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(matrix: [[f64; 3]; 3]) -> Fit {
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        Fit { matrix, mirrored: false, degrees: 0.0, scale: 1.0, region: corners, part: corners }
    }

    /// The query is the left half of the entry's picture: twice as wide in shares of the query.
    #[test]
    fn a_query_is_laid_over_the_part_it_shows() {
        let entry = RgbImage::from_fn(40, 20, |x, y| Rgb([(x * 6) as u8, (y * 12) as u8, 70]));
        let query = imageops::crop_imm(&entry, 0, 0, 20, 20).to_image();
        let laid = laid_over(&query, &fit([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), (40, 20));
        for (x, y, pixel) in laid.enumerate_pixels() {
            if x >= 21 {
                assert_eq!(*pixel, UNCOVERED);
            } else if x < 19 {
                let off = pixel.0.iter().zip(entry.get_pixel(x, y).0).map(|(a, b)| a.abs_diff(b)).max();
                assert!(off <= Some(12), "{x} {y}: {off:?}");
            }
        }
        let flat = difference(&entry, &entry, 2);
        assert!(flat.pixels().all(|pixel| *pixel == Rgb([128; 3])));
    }

    #[test]
    fn differences_are_amplified_and_cut_off() {
        let entry = RgbImage::from_pixel(3, 2, Rgb([100, 110, 120]));
        let laid = RgbImage::from_pixel(3, 2, Rgb([110, 105, 220]));
        let level = |amplification| difference(&entry, &laid, amplification).get_pixel(1, 1).0;
        assert_eq!(level(2), [148, 118, 255]);
        assert_eq!(level(-2), [108, 138, 0]);
        assert_eq!(level(i32::MAX), [255, 0, 255]);
        let grey = RgbImage::from_pixel(3, 2, Rgb([100; 3]));
        let [r, g, b] = difference(&grey, &laid, 1).get_pixel(0, 0).0;
        assert!(r == g && g == b, "a grey entry has no colours to compare");
    }
}
