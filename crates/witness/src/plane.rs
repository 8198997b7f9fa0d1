//! Luminance in 8 bits.

use image::RgbImage;

use crate::resample::resampled;

/// Row-major samples `[height, width]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plane {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<u8>,
}

impl Plane {
    /// Luma of ITU-R BT.601 in 8-bit integers.
    pub fn of(picture: &RgbImage) -> Self {
        let luma =
            |[r, g, b]: [u8; 3]| (77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b) + 128) >> 8;
        let samples = picture.pixels().map(|pixel| luma(pixel.0) as u8).collect();
        Self { width: picture.width() as usize, height: picture.height() as usize, samples }
    }

    pub fn row(&self, y: usize) -> &[u8] {
        &self.samples[y * self.width..][..self.width]
    }

    /// Resamples to another size, which has pixels if `self` has.
    pub fn resampled(&self, width: usize, height: usize) -> Self {
        let samples = resampled::<1>(&self.samples, [self.height, self.width], [height, width]);
        Self { width, height, samples }
    }

    /// Resamples so that no side is longer than `longest`.
    pub fn within(&self, longest: usize) -> Self {
        let [width, height] = sides_within([self.width, self.height], longest);
        self.resampled(width, height)
    }

    /// Repeats the border `margin` times outwards.
    pub fn padded(&self, margin: usize) -> Self {
        let (width, height) = (self.width + 2 * margin, self.height + 2 * margin);
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            let row = self.row(y.saturating_sub(margin).min(self.height - 1));
            samples.extend(std::iter::repeat_n(row[0], margin));
            samples.extend_from_slice(row);
            samples.extend(std::iter::repeat_n(row[row.len() - 1], margin));
        }
        Self { width, height, samples }
    }
}

/// Sides of a picture that is reduced, if need be, until none is longer than `longest`. No side becomes 0.
pub(crate) fn sides_within(sides: [usize; 2], longest: usize) -> [usize; 2] {
    let most = sides[0].max(sides[1]);
    if most <= longest {
        return sides;
    }
    // Rounded integers: (side * longest + most / 2) / most.
    sides.map(|side| ((side as u64 * longest as u64 + most as u64 / 2) / most as u64).max(1) as usize)
}

/// Reduces a picture, if need be, until no side is longer than `longest`.
pub(crate) fn reduced(picture: &RgbImage, longest: usize) -> RgbImage {
    let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
    let [to_width, to_height] = sides_within([width, height], longest);
    let samples = resampled::<3>(picture.as_raw(), [height, width], [to_height, to_width]);
    RgbImage::from_raw(to_width as u32, to_height as u32, samples).expect("three samples a pixel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_keep_their_ratio_and_never_vanish() {
        assert_eq!(sides_within([1000, 500], 384), [384, 192]);
        assert_eq!(sides_within([300, 200], 384), [300, 200]);
        assert_eq!(sides_within([1, 100_000], 384), [1, 384]);
        assert_eq!(sides_within([u32::MAX as usize, 3], 512), [512, 1]);
    }

    #[test]
    fn padding_repeats_the_border() {
        let plane = Plane { width: 2, height: 1, samples: vec![7, 9] };
        let padded = plane.padded(1);
        assert_eq!((padded.width, padded.height), (4, 3));
        assert_eq!(padded.samples, [7, 7, 9, 9].repeat(3));
    }

    #[test]
    fn luma_of_greys_is_the_grey() {
        let picture = RgbImage::from_fn(256, 1, |x, _| image::Rgb([x as u8; 3]));
        assert!(Plane::of(&picture).samples.iter().enumerate().all(|(i, &luma)| usize::from(luma) == i));
    }
}
