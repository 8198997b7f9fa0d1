//! Objective of an image: the loss of its descriptor in an index.

mod cell_margin;
mod goal;
mod reconstruction;
mod step;

pub use self::step::Step;
pub(crate) use self::{
    cell_margin::CellMargin,
    goal::{Goal, RowGoals},
    reconstruction::cosine,
};

/// Loss of an image's descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Distance to what the index stores for the image (paper, equation 4), `L_f`. It depends on the index's codes:
    ///
    /// - points: `-cosine(descriptor, target)`;
    /// - sides of hyperplanes (`LSH`): the mean over hyperplanes of `max(0, m - margin) / m`. The margin is the
    ///   distance to the hyperplane, negative on the wrong side; `m = 1 / sqrt(d)` is the root mean square of that
    ///   distance for a unit vector in `d` dimensions. A bit costs 0 at margins of at least `m`, 1 on the hyperplane
    ///   and 2 at `-m`, so that the bits that an edit would flip first weigh most.
    Reconstruction,
    /// Depth in the image's own cell: the cross-entropy `-log p_c`, `p = softmax(-|x - centroid|^2 / 0.02)` over all
    /// cells. An index that compares inner products has `x.centroid / 0.02` instead. With several own cells `c`,
    /// `p_c` is their sum.
    CellMargin,
    /// [`Self::CellMargin`] in an index with cells, [`Self::Reconstruction`] in one without: [`Self::Robust`] of the image itself
    /// instead of its views.
    Unedited,
    /// Mean of [`Self::CellMargin`] over random edited views of the image, new ones at each step. For an index without
    /// cells, the mean of [`Self::Reconstruction`].
    Robust {
        /// Views of each step; each costs a forward and a backward pass of the network.
        views: usize,
    },
}
