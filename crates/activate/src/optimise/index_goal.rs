//! Goal of a batch of images in one index.

use burn::tensor::Tensor;
use index::{Index, Targets};

use super::cells::CellViews;
use crate::{
    Result,
    objective::{CellMargin, Goal},
    settings::Settings,
};

/// Goal of each image in one index.
pub(crate) struct IndexGoal<'a> {
    index: &'a Index,
    pub(super) goal: Goal,
    /// Own cells of each image, where the index has cells and they are needed.
    cells: Option<Vec<Vec<i64>>>,
}

impl<'a> IndexGoal<'a> {
    /// Goal of images with these targets. Cells are those nearest to `originals`, the descriptors `[n, d]`, unless
    /// `views` choose others. Without `originals` the targets are the goal, whatever the objective.
    ///
    /// # Errors
    /// If the index refuses a descriptor (not finite), or its centroids cannot be decoded.
    pub(crate) fn new(
        settings: &Settings,
        index: &'a Index,
        targets: Targets,
        originals: Option<&Tensor<2>>,
        views: Option<&CellViews>,
    ) -> Result<Self> {
        let nearest = |originals: &Tensor<2>| index.nearest_cells(originals.clone(), settings.cells);
        let nearest = originals.map(nearest).transpose()?.flatten();
        let cells = match (nearest, views) {
            (Some(nearest), Some(views)) => Some(views.most_frequent_cells(index, nearest)?),
            (nearest, _) => nearest,
        };
        let goal = match &cells {
            Some(own) if settings.aims_at_cells(index) => {
                Goal::Cells(Box::new(CellMargin::new(index, own.clone(), settings.nprobe)?))
            }
            _ => Goal::Stored(Box::new(targets)),
        };
        Ok(Self { index, goal, cells })
    }

    /// First cell of an image's own, by the image's index in the batch.
    pub(crate) fn first_cell(&self, image: usize) -> Option<i64> {
        self.cells.as_ref().map(|cells| cells[image][0])
    }
}

/// Least margin of each image over its views and over all indexes that have cells; `None` if none has.
///
/// # Shapes
/// `n` indexes of images in the batch, `[n * views, d]` -> `n`
pub(super) fn least_margins(
    images: &[usize],
    descriptors: &Tensor<2>,
    goals: &[IndexGoal<'_>],
) -> Result<Vec<Option<f32>>> {
    let views = descriptors.dims()[0] / images.len();
    let mut least: Vec<Option<f32>> = vec![None; images.len()];
    for IndexGoal { index, cells, .. } in goals {
        let Some(own) = cells else { continue };
        let cells: Vec<_> = images.iter().flat_map(|&image| vec![own[image][0]; views]).collect();
        let margins = index.cell_margins(descriptors.clone(), &cells)?.unwrap_or_default();
        for (least, margins) in least.iter_mut().zip(margins.chunks_exact(views)) {
            *least = least.iter().chain(margins).copied().reduce(f32::min);
        }
    }
    Ok(least)
}
