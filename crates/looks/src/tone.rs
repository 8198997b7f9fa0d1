//! Restored tones of faded, dark or noisy pictures.

use image::RgbImage;

/// Change of a view's levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tone {
    /// None.
    AsIs,
    /// The range of levels stretched to all 256.
    Stretched,
    /// The median of 3 x 3 pixels, then stretched.
    Smoothed,
}

/// Range of levels below which a view is faded.
const NARROW: u8 = 150;

/// Least difference in levels of a speck to the pixels at its left and right.
const SPECK: i16 = 24;

/// Most rows in which specks are counted.
const SPECK_ROWS: u32 = 64;

/// Least share of specks in a noisy view.
const MANY_SPECKS: f32 = 0.06;

/// Share of the levels at either end that may be cut off.
const CUT: f32 = 0.005;

impl Tone {
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::AsIs => None,
            Self::Stretched => Some("levels stretched"),
            Self::Smoothed => Some("smoothed"),
        }
    }

    pub(crate) fn restored(self, view: RgbImage) -> RgbImage {
        match self {
            Self::AsIs => view,
            Self::Stretched => stretched(view),
            Self::Smoothed => stretched(median(&median(&view))),
        }
    }
}

/// Returns whether the levels of a view fill little of their range.
pub(crate) fn is_faded(view: &RgbImage) -> bool {
    let (low, high) = range(view);
    high - low < NARROW
}

/// Returns whether many pixels of a picture have nothing to do with their neighbours.
pub(crate) fn is_noisy(picture: &RgbImage) -> bool {
    specks(picture) >= MANY_SPECKS
}

/// Returns the share of pixels that stand out from both neighbours in the row to the same side.
fn specks(view: &RgbImage) -> f32 {
    let every = view.height().div_ceil(SPECK_ROWS) as usize;
    let rows = view.as_raw().chunks_exact(3 * view.width() as usize).step_by(every);
    let (mut specks, mut seen) = (0_u32, 0_u32);
    for row in rows {
        for triple in row.as_chunks::<3>().0.windows(3) {
            let [left, middle, right] = [0, 1, 2].map(|i| i16::from(triple[i][1]));
            let (a, b) = (middle - left, middle - right);
            specks += u32::from(a.min(b) >= SPECK || a.max(b) <= -SPECK);
            seen += 1;
        }
    }
    specks as f32 / seen.max(1) as f32
}

/// Returns the levels below and above which a share of [`CUT`] lies.
fn range(view: &RgbImage) -> (u8, u8) {
    let mut counts = [0_usize; 256];
    view.as_raw().iter().for_each(|level| counts[usize::from(*level)] += 1);
    let least = (CUT * view.as_raw().len() as f32) as usize;
    let passes = |seen: &mut usize, level: usize| {
        *seen += counts[level];
        *seen > least
    };
    let (mut below, mut above) = (0, 0);
    let low = (0..256).find(|level| passes(&mut below, *level));
    let high = (0..256).rev().find(|level| passes(&mut above, *level));
    (low.unwrap_or(0) as u8, high.unwrap_or(255) as u8)
}

fn stretched(mut view: RgbImage) -> RgbImage {
    let (low, high) = range(&view);
    let factor = 255.0 / (f32::from(high) - f32::from(low)).max(1.0);
    let level = |level: &mut u8| *level = ((f32::from(*level) - f32::from(low)) * factor).round() as u8;
    view.iter_mut().for_each(level);
    view
}

/// Returns the median of each pixel and its neighbours, channel by channel.
fn median(view: &RgbImage) -> RgbImage {
    let (width, height) = view.dimensions();
    let around = |place: u32, side: u32| [place.saturating_sub(1), place, (place + 1).min(side - 1)];
    RgbImage::from_fn(width, height, |x, y| {
        let (columns, rows) = (around(x, width), around(y, height));
        image::Rgb([0, 1, 2].map(|c| {
            let mut levels: [u8; 9] =
                std::array::from_fn(|i| view.get_pixel(columns[i % 3], rows[i / 3]).0[c]);
            *levels.select_nth_unstable(4).1
        }))
    })
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn ramp(low: u8, high: u8) -> RgbImage {
        let level = |x: u32| low + ((high - low) as f32 * x as f32 / 99.0) as u8;
        RgbImage::from_fn(100, 40, |x, _| Rgb([level(x); 3]))
    }

    #[test]
    fn faded_views_are_stretched_to_the_whole_range() {
        assert!(is_faded(&ramp(90, 170)) && !is_faded(&ramp(10, 240)));
        let view = Tone::Stretched.restored(ramp(90, 170));
        assert_eq!((view.get_pixel(0, 0).0[0], view.get_pixel(99, 0).0[0]), (0, 255));
        let plain = RgbImage::from_pixel(5, 5, Rgb([7; 3]));
        assert_eq!(Tone::Stretched.restored(plain.clone()).dimensions(), plain.dimensions());
    }

    #[test]
    fn specks_are_counted_and_smoothed_away() {
        let mut view = ramp(0, 255);
        assert!(!is_noisy(&view));
        for (x, y) in
            (0..40).flat_map(|y| (0..100).map(move |x| (x, y))).filter(|(x, y)| (x * 7 + y * 3) % 9 == 0)
        {
            view.put_pixel(x, y, Rgb([if x < 50 { 255 } else { 0 }; 3]));
        }
        assert!(is_noisy(&view));
        assert!(!is_noisy(&Tone::Smoothed.restored(view)));
    }
}
