//! Keypoint of an entry and the keypoint of a query that it may be.

use super::affine::{Affine, Places};
use crate::features::{DIRECTIONS, Features};

/// Largest difference between the turn of a keypoint and that of the fit: 31 degrees, as cosine.
const TURN: f64 = 0.906;
/// Largest ratio of the scale of a keypoint to that of the fit.
const SCALE: f64 = 1.65;

/// Two keypoints, and the similarity that they say by themselves: ORB keypoints have a direction and a scale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    /// Place in the entry and in the query, pixels.
    pub places: Places,
    /// Turn of the patch from the entry to the query, as a unit complex number.
    turn: [f64; 2],
    /// Scale of the patch from the entry to the query.
    scale: f64,
    /// Weight of the squared error: keypoints are as exact as the pixels of their level.
    pub weight: f64,
    /// Bits that differ.
    pub distance: u32,
}

impl Pair {
    /// Pairs keypoint `e` of the entry and keypoint `q` of the query.
    pub fn new(entry: &Features, e: usize, query: &Features, q: usize, distance: u32) -> Self {
        let (from, to) = (entry.keypoints[e], query.keypoints[q]);
        let angle = f64::from(to.turn.wrapping_sub(from.turn)) / DIRECTIONS as f64 * std::f64::consts::TAU;
        Self {
            places: [from.place(), to.place()],
            turn: [angle.cos(), angle.sin()],
            scale: to.scale() / from.scale(),
            weight: from.scale().powi(-2),
            distance,
        }
    }

    /// Checks that a linear map, as the complex number of its similarity, turns and scales like the patch.
    #[inline(always)]
    pub fn is_like(&self, [re, im]: [f64; 2]) -> bool {
        let (length, dot) = ((re * re + im * im).sqrt(), re * self.turn[0] + im * self.turn[1]);
        dot >= TURN * length && length <= SCALE * self.scale && length * SCALE >= self.scale
    }

    /// Squared distance, in the query, between the place and the map of the entry's place.
    #[inline(always)]
    pub fn squared_error(&self, map: &Affine) -> f64 {
        let [from, to] = self.places;
        let [x, y] = map.apply(from);
        (x - to[0]).powi(2) + (y - to[1]).powi(2)
    }
}
