//! The picture at falling sizes.

use super::{UNITS, corners::Corner};
use crate::plane::Plane;

/// Ratio of the sizes of neighbouring levels: the cube root of 2, rounded.
pub(crate) const STEP: f64 = 1.26;
/// Levels of a pyramid, which spans a ratio of 4.
pub(crate) const LEVELS: usize = 7;
/// Pixels that repeat the border around a level: the radius of patches and of their smoothing.
pub(super) const MARGIN: usize = 20;
/// Smallest side of a level.
const LEAST: usize = 12;

/// A level of a pyramid.
pub(super) struct Level {
    /// Pixels with a border of [`MARGIN`] around them.
    pub padded: Plane,
    /// Pixels of the finest level in one of this, by axis.
    scale: [f64; 2],
    /// Sides of the finest level, in units.
    bounds: [f64; 2],
}

impl Level {
    /// Sides without the border.
    pub fn sides(&self) -> [usize; 2] {
        [self.padded.width - 2 * MARGIN, self.padded.height - 2 * MARGIN]
    }

    /// Place of a corner in units of the finest level.
    pub fn place(&self, corner: &Corner) -> [u16; 2] {
        let centre = [(corner.x, corner.offset[0]), (corner.y, corner.offset[1])]
            .map(|(pixel, offset)| (pixel - MARGIN) as f64 + f64::from(offset) + 0.5);
        let units =
            |i: usize| (centre[i] * self.scale[i] * f64::from(UNITS)).round().clamp(0.0, self.bounds[i]);
        [units(0) as u16, units(1) as u16]
    }
}

/// Levels of a plane, finest first.
pub(super) fn pyramid(plane: &Plane) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::with_capacity(LEVELS);
    let mut current = plane.clone();
    for i in 0..LEVELS {
        let [width, height] =
            [plane.width, plane.height].map(|side| (side as f64 / STEP.powi(i as i32)).round() as usize);
        if width.min(height) < LEAST {
            break;
        }
        current = current.resampled(width, height);
        levels.push(Level {
            padded: current.padded(MARGIN),
            scale: [plane.width as f64 / width as f64, plane.height as f64 / height as f64],
            bounds: [plane.width, plane.height].map(|side| (side * usize::from(UNITS)) as f64),
        });
    }
    levels
}
