//! Keypoints of a picture and their descriptors, after ORB.
//!
//! Rublee, Rabaud, Konolige, Bradski: *ORB: an efficient alternative to SIFT or SURF*, ICCV 2011. Corners are found at
//! every level of a pyramid, oriented by the intensity centroid, and described by 256 comparisons of pixels that turn
//! with them. It differs in three places:
//!
//! * corners are ranked and thresholded by the smaller eigenvalue of the structure tensor instead of FAST, whose fixed
//!   contrast loses faded copies, and spread over the picture by adaptive non-maximal suppression;
//! * keypoints reach to the border of the picture;
//! * the comparisons come in pairs that mirror each other, so that descriptors of the mirror image are a permutation of
//!   the bits.
//!
//! All of it is integer arithmetic or float32 without transcendental functions: keypoints are the same on every machine.

mod corners;
mod descriptor;
mod direction;
mod pattern;
mod pyramid;
mod smoothing;
mod spread;

use crate::plane::Plane;
use corners::corners;
pub(crate) use descriptor::{BITS, Descriptor};
pub(crate) use direction::DIRECTIONS;
pub(crate) use pyramid::{LEVELS, STEP};
use pyramid::{Level, pyramid};
use smoothing::smoothed;
use spread::spread;

/// Units of coordinates of keypoints in a pixel of the plane.
pub(crate) const UNITS: u16 = 16;

/// Corner at a level of the pyramid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keypoint {
    /// Place from the left of the plane, in 1 / [`UNITS`] of a pixel.
    pub x: u16,
    /// Place from the top.
    pub y: u16,
    /// Level of the pyramid.
    pub level: u8,
    /// Direction, one of [`DIRECTIONS`].
    pub turn: u8,
}

impl Keypoint {
    /// Place in pixels of the plane.
    pub fn place(&self) -> [f64; 2] {
        [self.x, self.y].map(|units| f64::from(units) / f64::from(UNITS))
    }

    /// Pixels of the plane in a pixel of the keypoint's level.
    pub fn scale(&self) -> f64 {
        STEP.powi(i32::from(self.level))
    }
}

/// Keypoints of a plane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Features {
    /// Width of the plane.
    pub width: u16,
    /// Height of the plane.
    pub height: u16,
    /// Keypoints, finest level first.
    pub keypoints: Vec<Keypoint>,
    /// Descriptor of each keypoint.
    pub descriptors: Vec<Descriptor>,
}

impl Features {
    /// Finds at most `most` keypoints in a plane of at most 4095 pixels a side.
    pub fn of(plane: &Plane, most: usize) -> Self {
        let mut features = Self { width: plane.width as u16, height: plane.height as u16, ..Self::default() };
        let levels = pyramid(plane);
        let mut left = most;
        for (i, level) in levels.iter().enumerate() {
            let share = share(left, levels.len() - i);
            left -= features.add(level, i as u8, share);
        }
        features
    }

    /// Adds at most `most` keypoints of a level, and returns how many there were.
    fn add(&mut self, level: &Level, number: u8, most: usize) -> usize {
        let spread = spread(corners(level), most);
        let smooth = smoothed(&level.padded);
        for corner in &spread {
            let turn = direction::of(&level.padded, corner.x, corner.y);
            let place = level.place(corner);
            self.keypoints.push(Keypoint { x: place[0], y: place[1], level: number, turn });
            self.descriptors.push(descriptor::of(&smooth, corner.x, corner.y, turn));
        }
        spread.len()
    }

    pub fn len(&self) -> usize {
        self.keypoints.len()
    }

    /// Features of the picture mirrored left to right.
    pub fn mirrored(&self) -> Self {
        let width = self.width * UNITS;
        let mirror = |keypoint: &Keypoint| Keypoint {
            x: width - keypoint.x,
            turn: direction::mirrored(keypoint.turn),
            ..*keypoint
        };
        Self {
            keypoints: self.keypoints.iter().map(mirror).collect(),
            descriptors: self.descriptors.iter().map(descriptor::mirrored).collect(),
            ..*self
        }
    }
}

/// Keypoints of the finest of `levels` levels, when shares fall by [`STEP`] from level to level.
fn share(left: usize, levels: usize) -> usize {
    let total: f64 = (0..levels as i32).map(|i| STEP.powi(-i)).sum();
    (left as f64 / total).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texture::texture;

    #[test]
    fn mirrored_features_are_those_of_the_mirrored_picture() {
        let plane = Plane::of(&texture(200, 160, 3));
        let mirrored = Plane::of(&image::imageops::flip_horizontal(&texture(200, 160, 3)));
        let expected = Features::of(&mirrored, 200);
        let found = Features::of(&plane, 200).mirrored();
        let equal = found
            .keypoints
            .iter()
            .zip(&found.descriptors)
            .filter(|(keypoint, descriptor)| {
                let near = |other: &Keypoint| {
                    keypoint.level == other.level
                        && keypoint.x.abs_diff(other.x) <= 1
                        && keypoint.y == other.y
                        && keypoint.turn == other.turn
                };
                let mut all = expected.keypoints.iter().zip(&expected.descriptors);
                all.any(|(other, bits)| near(other) && bits == *descriptor)
            })
            .count();
        // Sums of the resized levels round differently from the right than from the left, in a few places.
        assert!(equal * 100 >= found.len() * 95, "{equal} of {}", found.len());
    }

    #[test]
    fn shares_add_up() {
        let mut left = 400;
        for levels in (1..=LEVELS).rev() {
            left -= share(left, levels).min(left);
        }
        assert_eq!(left, 0);
        assert!(share(400, LEVELS) > share(400 - share(400, LEVELS), LEVELS - 1));
    }

    #[test]
    fn pictures_without_structure_have_no_keypoints() {
        for (width, height) in [(0, 0), (1, 1), (1, 300), (7, 7), (300, 200)] {
            let plane = Plane { width, height, samples: vec![90; width * height] };
            assert_eq!(Features::of(&plane, 300).len(), 0);
        }
    }
}
