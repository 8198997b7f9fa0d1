//! Choice of an image's cells by its edited views.

use std::cmp::Reverse;

use burn::tensor::Tensor;
use index::Index;

use crate::Result;

/// Described views that choose the cells of their images.
pub(crate) struct CellViews {
    /// Index of each view's image in the batch, `[n * cell_views]`.
    pub images: Vec<usize>,
    /// `[n * cell_views, d]`.
    pub descriptors: Tensor<2>,
}

impl CellViews {
    /// Cells that most views of each image fall into, as many as `nearest` has for the image.
    ///
    /// # Errors
    /// If the index refuses a descriptor (not finite).
    pub(super) fn most_frequent_cells(&self, index: &Index, nearest: Vec<Vec<i64>>) -> Result<Vec<Vec<i64>>> {
        let mut met = vec![Vec::new(); nearest.len()];
        let cells = index.cells(self.descriptors.clone())?.unwrap_or_default();
        self.images.iter().zip(cells).for_each(|(&image, cell)| met[image].push(cell));
        Ok(nearest.into_iter().zip(met).map(|(nearest, met)| most_frequent(nearest, &met)).collect())
    }
}

/// Most frequent cells among those in `met`, as many as `nearest` has. Ties go to the nearest cells in their order,
/// then to the cell met first.
fn most_frequent(nearest: Vec<i64>, met: &[i64]) -> Vec<i64> {
    let count = nearest.len();
    let mut cells = nearest;
    for &cell in met {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells.sort_by_key(|cell| Reverse(met.iter().filter(|other| *other == cell).count()));
    cells.truncate(count);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_cells_are_chosen_and_the_nearest_of_equals() {
        let chosen = |nearest: &[i64], met: &[i64]| most_frequent(nearest.to_vec(), met);
        assert_eq!(chosen(&[5, 6], &[]), [5, 6], "nothing was met");
        assert_eq!(chosen(&[5], &[7, 5, 7]), [7]);
        assert_eq!(chosen(&[5], &[7, 5]), [5], "the nearest of equals");
        assert_eq!(chosen(&[5, 6], &[9, 7, 7, 6, 9]), [9, 7], "the first met of equals");
        assert_eq!(chosen(&[5, 6, 8], &[7, 7]), [7, 5, 6]);
    }
}
