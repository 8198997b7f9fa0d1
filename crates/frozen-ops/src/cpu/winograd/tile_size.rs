//! Tile sizes of Winograd's filtering.

use super::transforms::{F2, F4, Filter};
use crate::window::Plane;

/// Number of outputs of a tile, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TileSize {
    Two,
    Four,
}

impl TileSize {
    /// Number of outputs, in both directions.
    pub fn outputs(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Number of inputs, in both directions.
    pub fn inputs(self) -> usize {
        self.outputs() + 2
    }

    /// Transform of the weights, `G`, by rows.
    pub fn g(self) -> Vec<[f64; 3]> {
        match self {
            Self::Two => F2::G.to_vec(),
            Self::Four => F4::G.to_vec(),
        }
    }

    /// Number, height and width of the tiles of images.
    pub fn grid(self, plane: Plane) -> Plane {
        let side = self.outputs();
        Plane { n: plane.n, h: plane.h.div_ceil(side), w: plane.w.div_ceil(side) }
    }
}
