//! Affine maps of geometric edits, from an edited image to its original.

use burn::tensor::Tensor;

/// Affine map from points of an edited image to points of its original. Coordinates are shares of the sides, from the
/// upper left corner: points of an image are in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    /// Coefficients of `x = x[0] u + x[1] v + x[2]`.
    x: [f32; 3],
    /// Coefficients of `y`, likewise.
    y: [f32; 3],
}

impl Affine {
    const IDENTITY: Self = Self { x: [1.0, 0.0, 0.0], y: [0.0, 1.0, 0.0] };

    /// Point of the original for a point of the edited image.
    pub fn at(&self, [u, v]: [f32; 2]) -> [f32; 2] {
        [self.x, self.y].map(|[a, b, c]| a * u + b * v + c)
    }

    /// Points of the original for many points of the edited image. The coordinates are broadcast.
    pub fn all<const D: usize>(&self, [u, v]: [Tensor<D>; 2]) -> [Tensor<D>; 2] {
        [self.x, self.y].map(|[a, b, c]| u.clone() * a + v.clone() * b + c)
    }

    /// Columns of the linear part: the change of `x` and `y` along `u`, then along `v`.
    pub fn slopes(&self) -> [[f32; 2]; 2] {
        [[self.x[0], self.y[0]], [self.x[1], self.y[1]]]
    }

    /// Composition that applies `first`, then this map.
    fn after(&self, first: Self) -> Self {
        let row = |[a, b, c]: [f32; 3]| {
            let along = |i: usize| a * first.x[i] + b * first.y[i];
            [along(0), along(1), along(2) + c]
        };
        Self { x: row(self.x), y: row(self.y) }
    }
}

/// Canvas of an image under successive geometric edits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Canvas {
    /// Width and height, in pixels of the original.
    sides: [f32; 2],
    /// Map from the canvas to the original.
    pub map: Affine,
}

impl Canvas {
    /// Canvas of an unedited image.
    pub fn new(width: usize, height: usize) -> Self {
        Self { sides: [width as f32, height as f32], map: Affine::IDENTITY }
    }

    /// Rotates clockwise; the canvas grows to hold the image.
    pub fn rotated(self, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let [w, h] = self.sides;
        let sides @ [wide, high] = [w * cos.abs() + h * sin.abs(), w * sin.abs() + h * cos.abs()];
        let x = [cos * wide / w, sin * high / w];
        let y = [-sin * wide / h, cos * high / h];
        let centred = |[a, b]: [f32; 2]| [a, b, 0.5 - (a + b) / 2.0];
        self.edited(sides, Affine { x: centred(x), y: centred(y) })
    }

    /// Crops to a share of the area, with the aspect ratio kept. `place` is the position of the crop, from (0, 0) in
    /// the upper left corner to (1, 1) in the lower right.
    pub fn cropped(self, area: f32, place: [f32; 2]) -> Self {
        let side = area.sqrt();
        let [left, top] = place.map(|at| at * (1.0 - side));
        let map = Affine { x: [side, 0.0, left], y: [0.0, side, top] };
        self.edited(self.sides.map(|length| length * side), map)
    }

    /// Places the image in a rectangle of a larger canvas. Its upper left corner and its width and height are shares
    /// of the canvas.
    pub fn inset(self, [left, top]: [f32; 2], [width, height]: [f32; 2]) -> Self {
        let map = Affine { x: [1.0 / width, 0.0, -left / width], y: [0.0, 1.0 / height, -top / height] };
        self.edited([self.sides[0] / width, self.sides[1] / height], map)
    }

    /// Exchanges left and right.
    pub fn mirrored(self) -> Self {
        self.edited(self.sides, Affine { x: [-1.0, 0.0, 1.0], ..Affine::IDENTITY })
    }

    /// Exchanges top and bottom.
    pub fn flipped(self) -> Self {
        self.edited(self.sides, Affine { y: [0.0, -1.0, 1.0], ..Affine::IDENTITY })
    }

    /// Canvas with these sides after an edit whose map leads back to this canvas.
    fn edited(self, sides: [f32; 2], map: Affine) -> Self {
        Self { sides, map: self.map.after(map) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: [f32; 2], expected: [f32; 2]) {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0));
        assert!(near, "{found:?} for {expected:?}");
    }

    #[test]
    fn a_right_angle_exchanges_the_sides() {
        let turned = Canvas::new(400, 200).rotated(90.0);
        close(turned.sides, [200.0, 400.0]);
        // A clockwise rotation takes the upper left corner to the upper right.
        close(turned.map.at([1.0, 0.0]), [0.0, 0.0]);
        close(turned.map.at([0.0, 0.0]), [0.0, 1.0]);
    }

    #[test]
    fn a_turned_image_touches_the_sides_of_its_canvas() {
        let canvas = Canvas::new(400, 200).rotated(25.0);
        // The top and the leftmost corner of the rotated image.
        let (sin, cos) = 25f32.to_radians().sin_cos();
        let [wide, high] = canvas.sides;
        close(canvas.map.at([200.0 * sin / wide, 0.0]), [0.0, 0.0]);
        close(canvas.map.at([0.0, 200.0 * cos / high]), [0.0, 1.0]);
    }

    #[test]
    fn later_edits_see_what_earlier_ones_left() {
        let once = Canvas::new(300, 200).rotated(20.0).rotated(-20.0);
        close(once.map.at([0.5, 0.5]), [0.5, 0.5]);
        let there_and_back = Canvas::new(300, 200).inset([0.25, 0.5], [0.5, 0.5]).cropped(0.25, [0.5, 1.0]);
        close(there_and_back.map.at([0.2, 0.9]), [0.2, 0.9]);
        close(there_and_back.sides, [300.0, 200.0]);
        let twice = Canvas::new(9, 5).mirrored().flipped().rotated(180.0);
        close(twice.map.at([0.3, 0.8]), [0.3, 0.8]);
    }
}
