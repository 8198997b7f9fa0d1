//! Random geometric edits.

use rand::{Rng, RngExt};

use super::affine::Canvas;

/// Kinds of geometric edits, and their shares of 100 views.
const SHARES: [(Geometry, u32); 7] = [
    (Geometry::Rotation, 30),
    (Geometry::Crop, 20),
    (Geometry::Inset, 20),
    (Geometry::RightAngle, 8),
    (Geometry::Mirror, 4),
    (Geometry::Flip, 4),
    (Geometry::Identity, 14),
];

/// Kind of a geometric edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Geometry {
    /// Rotation by up to 45 degrees.
    Rotation,
    /// Crop to between 30 and 90 % of the area.
    Crop,
    /// Placement on a larger canvas.
    Inset,
    /// Rotation by 90, 180 or 270 degrees.
    RightAngle,
    /// Exchange of left and right.
    Mirror,
    /// Exchange of top and bottom.
    Flip,
    /// No edit.
    Identity,
}

impl Geometry {
    /// Kind at a place in [0, 1), where each kind has an interval as long as its share.
    pub fn at(place: f64) -> Self {
        let total: u32 = SHARES.iter().map(|(_, share)| share).sum();
        let mut left = place * f64::from(total);
        for (geometry, share) in SHARES {
            if left < f64::from(share) {
                return geometry;
            }
            left -= f64::from(share);
        }
        Self::Identity
    }

    /// Edits a canvas with random parameters.
    pub fn edit(self, canvas: Canvas, rng: &mut impl Rng) -> Canvas {
        match self {
            Self::Rotation => canvas.rotated(rng.random_range(-45.0..45.0)),
            Self::RightAngle => canvas.rotated(90.0 * rng.random_range(1..=3) as f32),
            Self::Crop => {
                let place = if rng.random_bool(0.5) { [0.5, 0.5] } else { [rng.random(), rng.random()] };
                canvas.cropped(rng.random_range(0.3..0.9), place)
            }
            Self::Inset => inset(canvas, rng),
            Self::Mirror => canvas.mirrored(),
            Self::Flip => canvas.flipped(),
            Self::Identity => canvas,
        }
    }
}

/// Places the image below a caption, or anywhere on a page.
fn inset(canvas: Canvas, rng: &mut impl Rng) -> Canvas {
    if rng.random_bool(0.5) {
        let [top, bottom] = [0.35, 0.2].map(|most| rng.random_range(0.0..most));
        let bottom = if rng.random_bool(0.3) { bottom } else { 0.0 };
        return canvas.inset([0.0, top], [1.0, 1.0 - top - bottom]);
    }
    let size: [f32; 2] = [rng.random_range(0.5..1.0), rng.random_range(0.4..1.0)];
    let corner = size.map(|side| rng.random_range(0.0..=1.0 - side));
    canvas.inset(corner, size)
}
