//! Reconstruction of vectors from codes, for entries and for vectors not yet stored.

use burn::tensor::Tensor;
use device_math::transfer::upload_matrix;

use super::{Index, Signs, Target, Targets};
use crate::{
    error::{Error, Result},
    kinds::store::AsStore,
};

impl Index {
    /// Decodes the vector stored under `id`: `d` floats. If several entries carry the id, one of them.
    ///
    /// # Errors
    /// [`Error::UnknownId`]; a transform that cannot be inverted.
    pub fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        self.kind.store().reconstruct(id)
    }

    /// Targets: the points that the index stores, or would store, for each of `vectors` `[n, d]`, mapped back
    /// through the transforms, on the index's device. For [`Target::Reconstruction`] of `LSH` codes they
    /// include the sides of the hyperplanes.
    ///
    /// # Errors
    /// The errors of [`Self::cells`]; [`Error::NoCentroids`] for [`Target::Centroid`] without an inverted
    /// file; a transform that cannot be inverted.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use active_index_index::{Index, Target, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"IVF4,PQ2".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// let target = index.target(vectors.clone(), Target::Reconstruction)?;
    /// index.add(vectors)?;
    /// let first: Vec<f32> = target.points.slice([0..1]).into_data().iter().collect();
    /// assert_eq!(first, index.reconstruct(0)?);
    /// # Ok::<(), active_index_index::Error>(())
    /// ```
    pub fn target(&self, vectors: Tensor<2>, kind: Target) -> Result<Targets> {
        let vectors = self.accept("vectors", vectors)?;
        let store = self.kind.store();
        let (rows, sides) = match kind {
            Target::Centroid => {
                (store.nearest_centroids(&vectors)?.ok_or_else(|| self.lacks_centroids())?, None)
            }
            Target::Reconstruction => (store.round_trip(&vectors)?, store.sides(&vectors)?),
        };
        let signs = sides.map(|sides| Signs::upload(sides, self.d(), &self.device));
        Ok(Targets { points: upload_matrix(rows, self.d(), &self.device), signs })
    }

    fn lacks_centroids(&self) -> Error {
        Error::NoCentroids { factory: self.factory().to_string() }
    }
}
