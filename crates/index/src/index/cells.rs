//! Coarse cells: assignment, centroids and margins.

use burn::tensor::Tensor;
use device_math::transfer::upload_matrix;

use super::Index;
use crate::{error::Result, kinds::store::AsStore};

impl Index {
    /// Assigns each of `vectors` `[n, d]` to its nearest coarse cell: `[n]`, in `0..nlist`; `None` without an
    /// inverted file.
    ///
    /// # Errors
    /// A different dimension, a non-finite vector, a failing device.
    pub fn cells(&self, vectors: Tensor<2>) -> Result<Option<Vec<i64>>> {
        self.kind.store().cells(&self.accept("vectors", vectors)?)
    }

    /// Finds the `count` nearest coarse cells of each of `vectors` `[n, d]`, nearest first: the cells
    /// [`Self::add_to_lists`] stores them in. `None` without an inverted file; rows are shorter where an
    /// `HNSW` graph reaches fewer cells.
    ///
    /// # Errors
    /// The errors of [`Self::cells`]; `count` not in `1..=nlist`.
    pub fn nearest_cells(&self, vectors: Tensor<2>, count: usize) -> Result<Option<Vec<Vec<i64>>>> {
        self.kind.store().nearest_cells(&self.accept("vectors", vectors)?, count)
    }

    /// Coarse centroids `[nlist, d]`, mapped back through the transforms, on the index's device; `None`
    /// without an inverted file. Behind transforms with orthonormal rows (rotations, `PCA`, `OPQ`), distances
    /// to them keep their order: they change by a term common to all centroids.
    ///
    /// # Errors
    /// A transform that cannot be inverted.
    pub fn centroids(&self) -> Result<Option<Tensor<2>>> {
        let rows = self.kind.store().centroids()?;
        Ok(rows.map(|rows| upload_matrix(rows, self.d(), &self.device)))
    }

    /// Margins by which each of `vectors` `[n, d]` is nearer to the centroid `c` of its cell, given in
    /// `cells` `[n]`, than to any other centroid: `[n]`, negative for vectors that belong to another cell;
    /// `None` without an inverted file.
    ///
    /// The margin of `x` is `min |x - o| - |x - c|` over all other centroids `o`, with distances that are not
    /// squared: by the triangle inequality, `x` stays in its cell until it moves by half the margin. With the
    /// inner product it is `x.c - max x.o`. Behind transforms, margins are measured on the transformed
    /// vectors. With an `HNSW` coarse quantiser, only cells that a search reaches count. Infinite if `nlist`
    /// is 1.
    ///
    /// # Errors
    /// The errors of [`Self::cells`]; a cell outside `0..nlist`, or a number of cells other than `n`.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use active_index_index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let index = Index::train(&"IVF4,PQ2".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// let cells = index.cells(vectors.clone())?.unwrap_or_default();
    /// let margins = index.cell_margins(vectors, &cells)?.unwrap_or_default();
    /// assert!(margins.iter().all(|&margin| margin >= 0.0));
    /// # Ok::<(), active_index_index::Error>(())
    /// ```
    pub fn cell_margins(&self, vectors: Tensor<2>, cells: &[i64]) -> Result<Option<Vec<f32>>> {
        self.kind.store().cell_margins(&self.accept("vectors", vectors)?, cells)
    }

    /// Number of coarse cells; `None` without an inverted file.
    pub fn nlist(&self) -> Option<usize> {
        self.kind.store().coarse().map(|coarse| coarse.nlist)
    }
}
