//! Transforms of vectors before indexing: rotations, projections, normalisation (faiss's `VectorTransform`).
//!
//! # Layout in files
//!
//! The layout is that of faiss 1.15, little-endian, without padding; `[T]` is a u64 count followed by that
//! many `T`. Every transform begins with its fourcc and ends with the common fields:
//!
//! | field | type | |
//! |---|---|---|
//! | `d_in` | i32 | |
//! | `d_out` | i32 | |
//! | `is_trained` | u8 | 0 before training, with all arrays empty |
//!
//! Between the two are, in this order:
//!
//! | fourcc | transform | fields |
//! |---|---|---|
//! | `LTra` | [`Transform::Linear`], also a trained OPQ | the linear fields |
//! | `rrot` | [`Transform::Rotation`] | the linear fields |
//! | `Pcam` | [`Transform::Pca`] | the principal fields, then the linear fields |
//! | `PcAm` | [`Transform::Pca`], older | as `Pcam`, without `epsilon`, which is 0 |
//! | `VNrm` | [`Transform::Normalise`] | `norm` f32: 2 |
//! | `VCnt` | centring, not supported | `mean` `[f32]`: `d_in` |
//!
//! The linear fields are:
//!
//! | field | type | values |
//! |---|---|---|
//! | `have_bias` | u8 | 1 for PCA, 0 for the others |
//! | `A` | `[f32]` | `d_out * d_in`, row-major `[d_out, d_in]` |
//! | `b` | `[f32]` | `d_out`, or 0 if `have_bias` is 0 |
//!
//! The file does not record if `A` is orthonormal. The principal fields are:
//!
//! | field | type | values |
//! |---|---|---|
//! | `eigen_power` | f32 | |
//! | `epsilon` | f32 | |
//! | `random_rotation` | u8 | |
//! | `balanced_bins` | i32 | |
//! | `mean` | `[f32]` | `d_in` |
//! | `eigenvalues` | `[f32]` | `d_in` |
//! | `PCAMat` | `[f32]` | `d_in * d_in`, or `n * d_in` after training on `n < d_in` vectors |
//!
//! The enclosing index has the fourcc `IxPT`, the usual index header (with the first transform's `d_in` as
//! `d`), the number of transforms i32, the transforms in the order of application, and the index behind them.

mod codebooks;
mod linear;
mod normalise;
mod opq;
mod orthonormal;
mod pca;
mod rotation;
mod sample;

use burn::tensor::Device;

use crate::{
    error::Result,
    factory::{Codes, TransformKind},
};
pub(crate) use codebooks::Codebooks;
pub(crate) use linear::Linear;
pub(crate) use normalise::Normalise;
pub(crate) use opq::OpqConfig;
pub(crate) use pca::{Pca, PcaConfig};
pub(crate) use rotation::random_rotation;

/// Trained transform, with the variants of the file format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transform {
    /// Any linear map, such as the result of OPQ training.
    Linear(Linear),
    /// A random rotation.
    Rotation(Linear),
    /// A projection onto principal components.
    Pca(Pca),
    /// Scaling to unit length.
    Normalise(Normalise),
}

impl Transform {
    pub fn d_in(&self) -> usize {
        match self {
            Self::Normalise(normalise) => normalise.d(),
            Self::Linear(linear) | Self::Rotation(linear) | Self::Pca(Pca { linear, .. }) => linear.d_in(),
        }
    }

    pub fn d_out(&self) -> usize {
        match self {
            Self::Normalise(normalise) => normalise.d(),
            Self::Linear(linear) | Self::Rotation(linear) | Self::Pca(Pca { linear, .. }) => linear.d_out(),
        }
    }

    /// Name in a factory string before `codes`. A plain linear map is taken for OPQ; its `m` is not stored
    /// and is assumed to be that of the codes.
    pub fn kind(&self, codes: Codes) -> TransformKind {
        let m = match codes {
            Codes::Pq { m, .. } | Codes::FastScan { m, .. } | Codes::PqResidual { m, .. } => m,
            Codes::Flat | Codes::Sq(_) | Codes::RaBitQ | Codes::Lsh { .. } => 1,
        };
        let changed = |d_out: usize| (d_out != self.d_in()).then_some(d_out);
        match self {
            Self::Linear(linear) => TransformKind::Opq { m, d: changed(linear.d_out()) },
            Self::Rotation(linear) => TransformKind::Rotation { d: linear.d_out() },
            Self::Pca(pca) => TransformKind::Pca { d: pca.linear.d_out(), rotated: pca.random_rotation },
            Self::Normalise(_) => TransformKind::Normalise,
        }
    }

    /// Returns true if [`Self::reverse`] inverts [`Self::apply`] for vectors of unit norm.
    pub fn is_lossless(&self) -> bool {
        self.d_out() >= self.d_in()
    }

    /// Applies the transform to every row: `[n, d_in]` to `[n, d_out]`.
    ///
    /// # Errors
    /// A number of values that is not a multiple of `d_in`; a failing device.
    pub fn apply(&self, rows: &[f32], device: &Device) -> Result<Vec<f32>> {
        match self {
            Self::Normalise(normalise) => normalise.apply(rows),
            Self::Linear(linear) | Self::Rotation(linear) | Self::Pca(Pca { linear, .. }) => {
                linear.apply(rows, device)
            }
        }
    }

    /// Maps every row back, `[n, d_out]` to `[n, d_in]`, as far as possible: projected rows stay in the
    /// subspace of the projection, normalised rows keep unit length.
    ///
    /// # Errors
    /// The errors of [`Self::apply`], with `d_out`; a linear map that is not orthonormal.
    pub fn reverse(&self, rows: &[f32], device: &Device) -> Result<Vec<f32>> {
        match self {
            Self::Normalise(normalise) => normalise.reverse(rows),
            Self::Linear(linear) | Self::Rotation(linear) | Self::Pca(Pca { linear, .. }) => {
                linear.reverse(rows, device)
            }
        }
    }

    /// The linear map, if the transform is one.
    pub fn as_linear(&self) -> Option<&Linear> {
        match self {
            Self::Normalise(_) => None,
            Self::Linear(linear) | Self::Rotation(linear) | Self::Pca(Pca { linear, .. }) => Some(linear),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reports_its_dimensions_and_is_reversible() {
        let device = Device::flex();
        let rotation = random_rotation(3, 3, 1).expect("has dimensions");
        let rows: Vec<f32> = (0..3 * 50).map(|i| (i as f32).cos()).collect();
        let rows = Normalise::new(3, 2.0).and_then(|normalise| normalise.apply(&rows)).expect("fits");
        let pca = PcaConfig { d_out: 3, random_rotation: false, seed: 1 }.train(&rows, 3, &device);
        for transform in [
            Transform::Linear(rotation.clone()),
            Transform::Rotation(rotation),
            Transform::Pca(pca.expect("trains")),
            Transform::Normalise(Normalise::new(3, 2.0).expect("supported")),
        ] {
            assert_eq!((transform.d_in(), transform.d_out()), (3, 3));
            let out = transform.apply(&rows, &device).expect("applies");
            let back = transform.reverse(&out, &device).expect("orthonormal");
            assert!(rows.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-5));
            assert!(transform.apply(&rows[1..], &device).is_err());
            let is_linear = !matches!(transform, Transform::Normalise(_));
            assert_eq!(transform.as_linear().map(|linear| linear.a().len()), is_linear.then_some(9));
        }
    }
}
