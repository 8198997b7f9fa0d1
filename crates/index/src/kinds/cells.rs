//! Coarse cells of an index of any kind. All results are `None` without a coarse quantiser.

use super::store::Store;
use crate::{error::Result, quantise::coarse::Coarse, vectors::Vectors};

impl dyn Store + '_ {
    /// Nearest cell of each of `vectors`: `[n]`.
    pub fn cells(&self, vectors: &Vectors) -> Result<Option<Vec<i64>>> {
        self.with_coarse(vectors, |coarse, vectors| coarse.cells(vectors))
    }

    /// The `count` nearest cells of each of `vectors`, nearest first; fewer if a graph reaches fewer.
    pub fn nearest_cells(&self, vectors: &Vectors, count: usize) -> Result<Option<Vec<Vec<i64>>>> {
        self.with_coarse(vectors, |coarse, vectors| {
            let mut cells = vec![Vec::with_capacity(count); vectors.n];
            for (rows, ranked) in coarse.nearest_cells(vectors, coarse.stored(count)?)? {
                rows.into_iter().zip(ranked).for_each(|(row, cell)| cells[row].push(cell));
            }
            Ok(cells)
        })
    }

    /// Margins by which each of `vectors` is nearer to its cell in `cells` than to any other, see
    /// [`Coarse::margins`].
    pub fn cell_margins(&self, vectors: &Vectors, cells: &[i64]) -> Result<Option<Vec<f32>>> {
        self.with_coarse(vectors, |coarse, vectors| coarse.margins(vectors, cells))
    }

    /// Nearest coarse centroid of each of `vectors`, mapped back to dimension `d`: `[n, d]`.
    pub fn nearest_centroids(&self, vectors: &Vectors) -> Result<Option<Vec<f32>>> {
        self.with_coarse(vectors, |coarse, vectors| {
            self.undo_transforms(coarse.gather(&coarse.cells(vectors)?))
        })
    }

    /// All coarse centroids, mapped back to dimension `d`: `[nlist, d]`.
    pub fn centroids(&self) -> Result<Option<Vec<f32>>> {
        self.coarse().map(|coarse| self.undo_transforms(coarse.centroids().to_vec())).transpose()
    }

    /// Calls `ask` with the coarse quantiser and the transformed vectors.
    fn with_coarse<T>(
        &self,
        vectors: &Vectors,
        ask: impl FnOnce(&Coarse, &Vectors) -> Result<T>,
    ) -> Result<Option<T>> {
        let vectors = self.apply_transforms(vectors.borrowed())?;
        self.coarse().map(|coarse| ask(coarse, &vectors)).transpose()
    }
}
