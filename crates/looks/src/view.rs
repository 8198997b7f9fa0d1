//! Rendering of the part of a picture that a frame shows.

use image::{Rgb, RgbImage};

use crate::frame::Frame;

/// Most samples a side of a pixel that are averaged where the picture is reduced.
const MOST_TAPS: u32 = 4;

/// Returns `frame` of the picture at `width` x `height` pixels, both at least 1.
///
/// Reduced, a pixel is the mean of at most 4 x 4 samples spread over it; enlarged or turned, it is interpolated between
/// pixels. Outside of the picture its border is repeated.
///
/// # Panics
/// If the picture is empty.
pub(crate) fn render(picture: &RgbImage, frame: &Frame, (width, height): (u32, u32)) -> RgbImage {
    let [columns, rows] = frame.sides(picture.dimensions());
    let taps = |pixels: f32, side: u32| ((pixels / side as f32 - 0.01).ceil() as u32).clamp(1, MOST_TAPS);
    let taps = (taps(columns, width), taps(rows, height));
    let source = Source::of(picture, frame, (width * taps.0, height * taps.1));
    if taps == (1, 1) && !frame.is_upright() {
        return RgbImage::from_fn(width, height, |x, y| Rgb(source.between(x, y)));
    }
    if frame.is_upright() {
        let (columns, rows) = source.separate(width * taps.0, height * taps.1);
        return mean((width, height), taps, |x, y| {
            source.levels[columns[x as usize].wrapping_add(rows[y as usize])]
        });
    }
    mean((width, height), taps, |x, y| source.nearest(x, y))
}

/// Returns the picture whose pixels are means of `taps` samples along each side.
fn mean((width, height): (u32, u32), taps: (u32, u32), sample: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
    let count = taps.0 * taps.1;
    RgbImage::from_fn(width, height, |x, y| {
        let mut sum = [count / 2; 3];
        for row in y * taps.1..(y + 1) * taps.1 {
            for column in x * taps.0..(x + 1) * taps.0 {
                let pixel = sample(column, row);
                (0..3).for_each(|c| sum[c] += u32::from(pixel[c]));
            }
        }
        Rgb(sum.map(|total| (total / count) as u8))
    })
}

/// Samples of a picture on the grid of a view.
struct Source<'a> {
    levels: &'a [[u8; 3]],
    width: usize,
    last: [f32; 2],
    /// Place of the first sample in pixels, and the steps to the next column and row.
    start: [f32; 2],
    steps: [[f32; 2]; 2],
}

impl<'a> Source<'a> {
    fn of(picture: &'a RgbImage, frame: &Frame, grid: (u32, u32)) -> Self {
        let size = [picture.width() as f32, picture.height() as f32];
        let scaled = |way: [f32; 2], side: u32| [0, 1].map(|i| way[i] * size[i] / side as f32);
        let steps = [scaled(frame.across, grid.0), scaled(frame.down, grid.1)];
        let start = [0, 1].map(|i| frame.origin[i] * size[i] + (steps[0][i] + steps[1][i]) / 2.0 - 0.5);
        let levels = picture.as_raw().as_chunks().0;
        Self { levels, width: picture.width() as usize, last: size.map(|side| side - 1.0), start, steps }
    }

    /// Returns the place of a sample, in pixels from the centre of the first one.
    fn place(&self, column: u32, row: u32) -> [f32; 2] {
        [0, 1].map(|i| {
            let place = self.start[i] + column as f32 * self.steps[0][i] + row as f32 * self.steps[1][i];
            place.clamp(0.0, self.last[i])
        })
    }

    /// Returns the parts of the pixels' numbers that belong to each column and row of the grid of an upright frame; their
    /// sum wraps around.
    fn separate(&self, columns: u32, rows: u32) -> (Vec<usize>, Vec<usize>) {
        let number = |[x, y]: [f32; 2]| (y + 0.5) as usize * self.width + (x + 0.5) as usize;
        let first = number(self.place(0, 0));
        let rows = (0..rows).map(|row| number(self.place(0, row)));
        let columns = (0..columns).map(|column| number(self.place(column, 0)).wrapping_sub(first));
        (columns.collect(), rows.collect())
    }

    fn nearest(&self, column: u32, row: u32) -> [u8; 3] {
        let [x, y] = self.place(column, row).map(|place| (place + 0.5) as usize);
        self.levels[y * self.width + x]
    }

    /// Returns a bilinear sample.
    fn between(&self, column: u32, row: u32) -> [u8; 3] {
        let place = self.place(column, row);
        let [x, y] = place.map(|place| place as usize);
        let [dx, dy] = place.map(f32::fract);
        let right = usize::from(dx > 0.0);
        let below = self.width * usize::from(dy > 0.0);
        let corner = y * self.width + x;
        let [a, b, c, d] =
            [corner, corner + right, corner + below, corner + below + right].map(|i| self.levels[i]);
        std::array::from_fn(|i| {
            let [a, b, c, d] = [a[i], b[i], c[i], d[i]].map(f32::from);
            let (upper, lower) = (a + (b - a) * dx, c + (d - c) * dx);
            (upper + (lower - upper) * dy + 0.5) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use image::imageops;

    use super::*;

    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8]))
    }

    #[test]
    fn upright_frames_at_their_own_size_are_exact() {
        let picture = picture(37, 23);
        let render = |frame: Frame, size| render(&picture, &frame, size);
        assert_eq!(render(Frame::WHOLE, (37, 23)), picture);
        assert_eq!(render(Frame::WHOLE.mirrored(), (37, 23)), imageops::flip_horizontal(&picture));
        assert_eq!(render(Frame::WHOLE.quarter_turns(1), (23, 37)), imageops::rotate90(&picture));
        assert_eq!(render(Frame::WHOLE.quarter_turns(2), (37, 23)), imageops::rotate180(&picture));
        assert_eq!(render(Frame::WHOLE.quarter_turns(3), (23, 37)), imageops::rotate270(&picture));
        let part = Frame::upright([5.0 / 37.0, 3.0 / 23.0], [25.0 / 37.0, 13.0 / 23.0]);
        assert_eq!(render(part, (20, 10)), imageops::crop_imm(&picture, 5, 3, 20, 10).to_image());
    }

    #[test]
    fn reduced_pixels_are_means() {
        let picture = picture(40, 30);
        let reduced = render(&picture, &Frame::WHOLE, (20, 10));
        let sum: u32 = (0..6).map(|i| u32::from(picture.get_pixel(10 + i % 2, 12 + i / 2).0[1])).sum();
        assert!(reduced.get_pixel(5, 4).0[1].abs_diff((sum as f32 / 6.0).round() as u8) <= 1);
    }

    #[test]
    fn a_turned_ramp_is_a_ramp_along_another_way() {
        let ramp = RgbImage::from_fn(200, 200, |x, _| Rgb([x as u8; 3]));
        let frame = Frame::turned([100.0, 100.0], [100.0, 100.0], 60.0, (200, 200));
        let view = render(&ramp, &frame, (100, 100));
        for (x, y) in [(0, 0), (99, 0), (50, 50), (10, 80)] {
            let (dx, dy) = (x as f32 + 0.5 - 50.0, y as f32 + 0.5 - 50.0);
            let expected = 100.0 + 0.5 * dx - 0.75_f32.sqrt() * dy - 0.5;
            assert!((f32::from(view.get_pixel(x, y).0[0]) - expected).abs() <= 1.0);
        }
    }

    #[test]
    fn the_border_is_repeated_outside() {
        let frame = Frame::upright([-1.0; 2], [2.0; 2]);
        let view = render(&picture(9, 9), &frame, (27, 27));
        assert_eq!(view.get_pixel(0, 0), picture(9, 9).get_pixel(0, 0));
        assert_eq!(view.get_pixel(26, 26), picture(9, 9).get_pixel(8, 8));
    }
}
