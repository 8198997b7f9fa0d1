//! The page that a picture may lie on: plain areas of a few colours.

use image::RgbImage;

/// Width of the border in cells in which the page's colours are sought.
const RING: u32 = 2;

/// Least share of the border's cells that a colour of the page fills.
const LEAST_SHARE: f32 = 0.06;

/// Least share of all cells that a colour of the page fills, if the border has little of it.
const LEAST_OF_ALL: f32 = 0.03;

/// Most colours of a page.
const MOST_COLOURS: usize = 5;

/// Largest difference of neighbours in plain areas, in levels: JPEG leaves a few.
const PLAIN: u8 = 8;

/// Largest difference of neighbours on smooth grounds, in levels.
const SMOOTH: u8 = 5;

/// Largest difference to a colour of the page, in levels.
const NEAR: u8 = 12;

/// Returns for each colour of the page which cells `[height][width]` have it. A picture without plain border has none.
pub(crate) fn cells(picture: &RgbImage) -> Vec<Vec<bool>> {
    let plain = plain(picture, PLAIN);
    let colours = colours(picture, &plain);
    let levels = picture.as_raw().as_chunks::<3>().0;
    let colour = |(pixel, plain): (&[u8; 3], &bool)| {
        let nearest = colours.iter().enumerate().map(|(i, colour)| (difference(pixel, colour), i)).min()?;
        (*plain && nearest.0 <= NEAR).then_some(nearest.1)
    };
    let colour_of: Vec<Option<usize>> = levels.iter().zip(&plain).map(colour).collect();
    (0..colours.len()).map(|i| colour_of.iter().map(|colour| *colour == Some(i)).collect()).collect()
}

/// Returns the largest difference in a channel.
pub(crate) fn difference(a: &[u8; 3], b: &[u8; 3]) -> u8 {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Returns which cells are on a smooth ground.
pub(crate) fn smooth(picture: &RgbImage) -> Vec<bool> {
    plain(picture, SMOOTH)
}

/// Returns which cells differ by at most `most` levels from the ones to their right and below.
fn plain(picture: &RgbImage, most: u8) -> Vec<bool> {
    let (width, height) = picture.dimensions();
    let levels = picture.as_raw().as_chunks::<3>().0;
    let at = |x: u32, y: u32| &levels[(y * width + x) as usize];
    let is_plain = |x: u32, y: u32| {
        let (right, below) = ((x + 1).min(width - 1), (y + 1).min(height - 1));
        difference(at(x, y), at(right, y)) <= most && difference(at(x, y), at(x, below)) <= most
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| is_plain(x, y)).collect()
}

/// Returns the mean colours of the fullest bins, 16 levels wide in each channel, of plain cells: those that fill much of the
/// border, or of all.
fn colours(picture: &RgbImage, plain: &[bool]) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    let is_ring = |x: u32, y: u32| x < RING || y < RING || x + RING >= width || y + RING >= height;
    let mut bins = vec![Bin::default(); 1 << 12];
    let mut ring = 0;
    for ((x, y, pixel), plain) in picture.enumerate_pixels().zip(plain) {
        let in_ring = is_ring(x, y);
        ring += u32::from(in_ring);
        if *plain {
            let bin = pixel.0.iter().fold(0, |bin, level| bin << 4 | usize::from(level >> 4));
            bins[bin].add(pixel.0, in_ring);
        }
    }
    let least = |share: f32, cells: u32| ((share * cells as f32) as u32).max(1);
    let (in_ring, in_all) = (least(LEAST_SHARE, ring), least(LEAST_OF_ALL, width * height));
    bins.retain(|bin| bin.ring >= in_ring || bin.count >= in_all);
    bins.sort_by_key(|bin| std::cmp::Reverse(bin.count));
    bins.truncate(MOST_COLOURS);
    bins.iter().map(Bin::mean).collect()
}

/// Cells of nearly one colour.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: u32,
    /// Pixels of them at the border.
    ring: u32,
    sums: [u32; 3],
}

impl Bin {
    fn add(&mut self, pixel: [u8; 3], in_ring: bool) {
        self.count += 1;
        self.ring += u32::from(in_ring);
        (0..3).for_each(|c| self.sums[c] += u32::from(pixel[c]));
    }

    fn mean(&self) -> [u8; 3] {
        self.sums.map(|sum| (sum / self.count.max(1)) as u8)
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_textured_rectangle_on_a_page_is_content() {
        let inside = |x: u32, y: u32| (20..60).contains(&x) && (10..30).contains(&y);
        let picture = RgbImage::from_fn(80, 50, |x, y| {
            if inside(x, y) {
                Rgb([(x * 37 + y * 91) as u8, (x * y * 7) as u8, 90])
            } else {
                Rgb([242, 243, 247])
            }
        });
        let cells = cells(&picture);
        assert_eq!(cells.len(), 1);
        let wrong = |(x, y): (u32, u32)| cells[0][(y * 80 + x) as usize] == inside(x, y);
        let places = (0..50).flat_map(|y| (0..80).map(move |x| (x, y)));
        // Cells beside the rectangle differ from their neighbours.
        assert!(places.filter(|place| wrong(*place)).count() <= 130);
    }

    #[test]
    fn noise_has_no_page() {
        let picture = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * x * 31 + y * 77 + x * y * 13) as u8; 3]));
        assert!(cells(&picture).iter().flatten().filter(|cell| **cell).count() < 200);
    }
}
