//! Parts of a picture, turned or mirrored.

/// Parallelogram on a picture, in shares of its width and height (x to the right, y down).
///
/// A view shows the picture at `origin + u across + v down` in its point `(u, v)` of the unit square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Place of the view's upper left corner.
    pub origin: [f32; 2],
    /// Way from there to the view's upper right corner.
    pub across: [f32; 2],
    /// Way from there to the view's lower left corner.
    pub down: [f32; 2],
}

impl Frame {
    /// The whole picture, upright.
    pub const WHOLE: Self = Self { origin: [0.0; 2], across: [1.0, 0.0], down: [0.0, 1.0] };

    /// Returns an upright rectangle.
    pub(crate) fn upright([left, top]: [f32; 2], [right, bottom]: [f32; 2]) -> Self {
        Self { origin: [left, top], across: [right - left, 0.0], down: [0.0, bottom - top] }
    }

    /// Returns the upright rectangle around the centre that has `side` times the sides of the picture.
    pub(crate) fn middle(side: f32) -> Self {
        let edge = (1.0 - side) / 2.0;
        Self::upright([edge; 2], [1.0 - edge; 2])
    }

    /// Returns the rectangle of `sides` pixels around `centre` in pixels, turned clockwise by `degrees`, on a picture of
    /// `dimensions`.
    pub(crate) fn turned(centre: [f32; 2], sides: [f32; 2], degrees: f32, dimensions: (u32, u32)) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let picture = [dimensions.0 as f32, dimensions.1 as f32];
        let share = |[x, y]: [f32; 2]| [x / picture[0], y / picture[1]];
        let (across, down) = ([sides[0] * cos, sides[0] * sin], [-sides[1] * sin, sides[1] * cos]);
        let origin = [0, 1].map(|i| centre[i] - (across[i] + down[i]) / 2.0);
        Self { origin: share(origin), across: share(across), down: share(down) }
    }

    /// Returns the largest rectangle of the picture's own shape around its centre that is turned clockwise by `degrees` and
    /// stays inside.
    pub(crate) fn inscribed(degrees: f32, dimensions: (u32, u32)) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (width, height) = (dimensions.0 as f32, dimensions.1 as f32);
        let (columns, rows) =
            (width * cos.abs() + height * sin.abs(), width * sin.abs() + height * cos.abs());
        let factor = (width / columns).min(height / rows);
        Self::turned([width / 2.0, height / 2.0], [width * factor, height * factor], degrees, dimensions)
    }

    /// Returns the place in the picture of the view's point `(u, v)`.
    pub(crate) fn at(&self, u: f32, v: f32) -> [f32; 2] {
        [0, 1].map(|i| self.origin[i] + u * self.across[i] + v * self.down[i])
    }

    /// Returns the frame on the picture of a frame on this view.
    pub(crate) fn inner(&self, frame: &Self) -> Self {
        let along = |way: [f32; 2]| [0, 1].map(|i| way[0] * self.across[i] + way[1] * self.down[i]);
        Self {
            origin: self.at(frame.origin[0], frame.origin[1]),
            across: along(frame.across),
            down: along(frame.down),
        }
    }

    /// Returns the same part with its content turned clockwise by right angles.
    pub(crate) fn quarter_turns(&self, quarters: u8) -> Self {
        (0..quarters % 4).fold(*self, |frame, _| Self {
            origin: frame.at(0.0, 1.0),
            across: frame.down.map(|way| -way),
            down: frame.across,
        })
    }

    /// Returns the same part with left and right exchanged.
    pub(crate) fn mirrored(&self) -> Self {
        Self { origin: self.at(1.0, 0.0), across: self.across.map(|way| -way), down: self.down }
    }

    /// Returns the corners on the picture: the view's upper left, upper right, lower right, lower left.
    pub fn corners(&self) -> [[f32; 2]; 4] {
        [self.at(0.0, 0.0), self.at(1.0, 0.0), self.at(1.0, 1.0), self.at(0.0, 1.0)]
    }

    /// Returns the lengths of `across` and `down` in pixels of a picture of `dimensions`.
    pub(crate) fn sides(&self, dimensions: (u32, u32)) -> [f32; 2] {
        let length = |way: [f32; 2]| (way[0] * dimensions.0 as f32).hypot(way[1] * dimensions.1 as f32);
        [length(self.across), length(self.down)]
    }

    /// Returns whether the sides are parallel to the picture's.
    pub(crate) fn is_upright(&self) -> bool {
        let [a, b] = [self.across, self.down];
        (a[1] == 0.0 && b[0] == 0.0) || (a[0] == 0.0 && b[1] == 0.0)
    }

    /// Returns the largest distance of two corners of the same name, over the larger frame's shorter side, on a picture of
    /// `dimensions`.
    pub(crate) fn distance(&self, other: &Self, dimensions: (u32, u32)) -> f32 {
        let pixels = |[a, b]: [[f32; 2]; 2]| {
            ((a[0] - b[0]) * dimensions.0 as f32).hypot((a[1] - b[1]) * dimensions.1 as f32)
        };
        let (ours, theirs) = (self.corners(), other.corners());
        let farthest = (0..4).map(|i| pixels([ours[i], theirs[i]])).fold(0.0, f32::max);
        let shorter = |frame: &Self| frame.sides(dimensions).into_iter().fold(f32::INFINITY, f32::min);
        farthest / shorter(self).max(shorter(other)).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (400, 300);

    fn close(a: &Frame, b: &Frame) -> bool {
        a.distance(b, SIZE) < 1e-4
    }

    #[test]
    fn four_quarter_turns_and_two_mirrors_change_nothing() {
        let frame = Frame::turned([210.0, 140.0], [120.0, 60.0], 20.0, SIZE);
        let four = (0..4).fold(frame, |frame, _| frame.quarter_turns(1));
        assert!(close(&four, &frame));
        assert!(close(&frame.mirrored().mirrored(), &frame));
        assert!(!close(&frame.quarter_turns(2), &frame));
        assert!(close(&frame.quarter_turns(3), &frame.quarter_turns(1).quarter_turns(2)));
    }

    #[test]
    fn a_quarter_turn_moves_the_lower_left_corner_up() {
        let turned = Frame::WHOLE.quarter_turns(1);
        assert_eq!(turned.corners(), [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]);
        assert_eq!(turned.sides(SIZE), [300.0, 400.0]);
        assert!(turned.is_upright());
    }

    #[test]
    fn frames_compose() {
        let outer = Frame::turned([200.0, 150.0], [100.0, 80.0], -30.0, SIZE);
        assert!(close(&outer.inner(&Frame::WHOLE), &outer));
        assert!(close(&Frame::WHOLE.inner(&outer), &outer));
        let half = outer.inner(&Frame::middle(0.5));
        assert!(close(&half, &Frame::turned([200.0, 150.0], [50.0, 40.0], -30.0, SIZE)));
    }

    #[test]
    fn inscribed_rectangles_stay_inside_and_touch() {
        for degrees in [-90.0, -45.0, -15.0, 5.0, 25.0, 60.0, 135.0] {
            for dimensions in [SIZE, (300, 400), (17, 1000)] {
                let corners = Frame::inscribed(degrees, dimensions).corners();
                assert!(corners.iter().flatten().all(|share| (-1e-4..1.0001).contains(share)), "{corners:?}");
                let touches = |share: &f32| share.abs() < 1e-3 || (share - 1.0).abs() < 1e-3;
                assert!(corners.iter().flatten().any(touches), "{degrees} {corners:?}");
            }
        }
    }
}
