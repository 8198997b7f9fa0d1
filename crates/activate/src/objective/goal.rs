//! Goals of images and of the rows of a descriptor batch.

use burn::tensor::{Int, Tensor};
use index::Targets;

use super::{cell_margin::CellMargin, reconstruction::reconstruction_loss};

/// Goal of each image of a batch in one index.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    /// Targets that the index stores.
    Stored(Box<Targets>),
    /// Own cells.
    Cells(Box<CellMargin>),
}

/// Goal of each row of a descriptor batch, made once for all steps of the same images.
pub(crate) enum RowGoals {
    /// Targets that the index stores.
    Stored(Box<Targets>),
    /// Own cells of each row, `[n, cells]`.
    Cells(Box<(CellMargin, Tensor<2, Int>)>),
}

/// Loss of descriptors.
pub(crate) struct DescriptorLoss {
    /// Descriptor term, `[n, 1]`.
    pub losses: Tensor<2>,
    /// 1 for a row in one of its own cells and 0 for others, `[n, 1]`; `None` if cells are not the goal.
    pub inside: Option<Tensor<2>>,
}

impl Goal {
    /// Goals of rows, given the index in the batch of each row's image.
    pub(crate) fn rows(&self, images: &[usize]) -> RowGoals {
        match self {
            Self::Cells(cells) => RowGoals::Cells(Box::new(((**cells).clone(), cells.own(images)))),
            Self::Stored(targets) => RowGoals::Stored(Box::new(targets.select(images))),
        }
    }
}

impl RowGoals {
    /// Loss of descriptors `[n, d]`, one row per goal.
    pub(crate) fn loss(&self, descriptors: Tensor<2>) -> DescriptorLoss {
        match self {
            Self::Cells(both) => {
                let (losses, inside) = both.0.loss(descriptors, both.1.clone());
                DescriptorLoss { losses, inside: Some(inside) }
            }
            Self::Stored(targets) => {
                DescriptorLoss { losses: reconstruction_loss(descriptors, targets), inside: None }
            }
        }
    }
}
