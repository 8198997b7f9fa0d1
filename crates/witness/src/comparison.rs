//! Result of laying a query over an entry.

use crate::fit::Affine;

/// Result of laying a query over an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Distinct places that agree with the best fit; 0 without a fit.
    pub inliers: usize,
    /// Keypoints with a match, before the fit.
    pub matched: usize,
    /// True where either picture has too few keypoints: then inliers say nothing, and descriptors decide.
    pub is_flat: bool,
    /// Correlation of the overlap in -1..1, without slow changes of brightness. `None` without a fit, or where too little
    /// overlaps or the overlap is flat.
    pub agreement: Option<f32>,
    /// Place of the entry on the query.
    pub fit: Option<Fit>,
}

/// Place of an entry on a query. Coordinates are relative: 0..1 of the width from the left and of the height from the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Map of column vectors (x, y, 1) from the entry to the query.
    pub matrix: [[f64; 3]; 3],
    /// True if the query shows the entry's mirror image; the matrix contains it.
    pub mirrored: bool,
    /// Turn of the entry on the query, clockwise, in -180..180; after mirroring it left to right.
    pub degrees: f32,
    /// Pixels of the query in a pixel of the entry, the geometric mean of both axes.
    pub scale: f32,
    /// Top left, top right, bottom right and bottom left corner of the entry, on the query. They may lie outside of it.
    pub region: [[f32; 2]; 4],
    /// The same corners of the query, on the entry.
    pub part: [[f32; 2]; 4],
}

impl Fit {
    pub(crate) fn new(map: &Affine, mirrored: bool, degrees: f64, scale: f64) -> Self {
        let [first, second] = map.0;
        Self {
            matrix: [first, second, [0.0, 0.0, 1.0]],
            mirrored,
            degrees: degrees as f32,
            scale: scale as f32,
            region: corners(map),
            part: corners(&map.inverse()),
        }
    }
}

/// Images of the corners of a picture.
fn corners(map: &Affine) -> [[f32; 2]; 4] {
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(|corner| map.apply(corner).map(|v| v as f32))
}
