//! Constants of the just-noticeable-difference model (Wu et al. 2017).

/// Window of the background luminance, divided by [`BACKGROUND_SUM`].
#[rustfmt::skip]
pub(super) const BACKGROUND: [[f32; 5]; 5] = [
    [1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 2.0, 2.0, 2.0, 1.0],
    [1.0, 2.0, 0.0, 2.0, 1.0],
    [1.0, 2.0, 2.0, 2.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0],
];
/// Sum of the window's weights.
pub(super) const BACKGROUND_SUM: f32 = 32.0;
/// Sobel kernel along a row.
pub(super) const SOBEL_X: [[f32; 3]; 3] = [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]];
/// Sobel kernel along a column.
pub(super) const SOBEL_Y: [[f32; 3]; 3] = [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]];
/// Least value of the map, in 8-bit levels.
pub(super) const FLOOR: f64 = 5.0;
