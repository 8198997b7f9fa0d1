//! The web palette, dithered as by Pillow's conversion to a palette image.

use image::RgbImage;

/// Differences of one channel that dithering has yet to pass on, in sixteenths.
#[derive(Clone, Copy, Default)]
struct Carried {
    /// Share of the next pixel.
    ahead: i32,
    /// Share of the pixel below the one before.
    before: i32,
    /// Share of the pixel below this one.
    here: i32,
}

/// Converts to the 216 web colours with Floyd and Steinberg's dithering: Pillow's `convert("P")`, which AugLy's
/// `convert_color` calls. Every rounding is Pillow's, because dithering passes each one on to all later pixels.
pub(super) fn web(image: &RgbImage) -> RgbImage {
    let width = image.width() as usize;
    let mut converted = image.clone();
    // Differences passed to the row below, in sixteenths, with one pixel more than a row.
    let mut below = vec![[0; 3]; width + 1];
    for row in converted.chunks_exact_mut(3 * width) {
        dither(row, &mut below);
    }
    converted
}

fn dither(row: &mut [u8], below: &mut [[i32; 3]]) {
    let mut carried = [Carried::default(); 3];
    let mut last = [0; 3];
    for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        for (channel, level) in pixel.iter_mut().enumerate() {
            let carried = &mut carried[channel];
            let wanted = (i32::from(*level) + (carried.ahead + below[x + 1][channel]) / 16).clamp(0, 255);
            *level = nearest(wanted as u8);
            let difference = wanted - i32::from(*level);
            below[x][channel] = carried.before + 3 * difference;
            carried.before = carried.here + 5 * difference;
            carried.here = difference;
            carried.ahead = 7 * difference;
            last[channel] = difference;
        }
    }
    // As in Pillow, the differences of blue leave the end of a row in all three channels.
    let blue = carried[2];
    below[row.len() / 3] = [blue.before, blue.here, last[2]];
}

/// Returns the nearest of 0, 51, ... 255. Pillow looks colours up in steps of four levels.
fn nearest(level: u8) -> u8 {
    ((u16::from(level & !3) + 25) / 51 * 51) as u8
}
