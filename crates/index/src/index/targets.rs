//! Targets of vectors: the points that an index stores for them, and the sides of hyperplanes that `LSH` codes
//! record.

use std::{fmt, ops::Range, str::FromStr};

use burn::tensor::{Device, Tensor};
use device_math::{exact_products::matmul, transfer::upload_matrix};

use crate::{
    error::{Error, Result},
    quantise::hyperplanes::Sides,
};

/// Point of the index that represents a vector (`q(x)` in Fernandez et al. 2023, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Target {
    /// Decoded code of the vector: coarse centroid plus decoded residual. A flat index decodes the vector
    /// itself.
    #[default]
    Reconstruction,
    /// Nearest coarse centroid.
    Centroid,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reconstruction => "reconstruction",
            Self::Centroid => "centroid",
        })
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "reconstruction" => Ok(Self::Reconstruction),
            "centroid" => Ok(Self::Centroid),
            _ => Err(Error::argument("target", "`reconstruction` or `centroid`", format!("{text:?}"))),
        }
    }
}

/// Targets of `n` vectors of dimension `d`: points, and sides of hyperplanes where codes record only sides.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Target points `[n, d]`.
    pub points: Tensor<2>,
    /// Sides of hyperplanes for `LSH` codes, also behind linear transforms. `None` for other codes, and for
    /// `LSH` behind `L2norm` if some hyperplane misses the origin, because the scaling would bend it.
    pub signs: Option<Signs>,
}

/// Wanted sides of `nbits` hyperplanes, one per bit of a code.
#[derive(Debug, Clone)]
pub struct Signs {
    /// Normals `[nbits, d]`, of any length.
    pub normals: Tensor<2>,
    /// Offsets `[1, nbits]`: a hyperplane is the set of `x` with `normal . x = offset`.
    pub offsets: Tensor<2>,
    /// Wanted sides `[n, nbits]`: 1 if the bit is set, which is the side the normal points to, else -1.
    pub wanted: Tensor<2>,
}

impl Targets {
    /// Targets of a range of the vectors.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let signs = self
            .signs
            .as_ref()
            .map(|signs| Signs { wanted: signs.wanted.clone().slice([rows.clone()]), ..signs.clone() });
        Self { points: self.points.clone().slice([rows]), signs }
    }

    /// Targets of selected vectors, in the given order.
    ///
    /// # Panics
    /// `rows` is empty or contains a row out of range.
    pub fn select(&self, rows: &[usize]) -> Self {
        let select = |tensor: &Tensor<2>| {
            Tensor::cat(rows.iter().map(|&row| tensor.clone().narrow(0, row, 1)).collect(), 0)
        };
        let signs = self.signs.as_ref().map(|signs| Signs { wanted: select(&signs.wanted), ..signs.clone() });
        Self { points: select(&self.points), signs }
    }
}

impl From<Tensor<2>> for Targets {
    /// Wraps points without sides of hyperplanes.
    fn from(points: Tensor<2>) -> Self {
        Self { points, signs: None }
    }
}

impl Signs {
    /// Uploads sides for vectors of dimension `d`.
    pub(crate) fn upload(sides: Sides, d: usize, device: &Device) -> Self {
        let Sides { planes, wanted } = sides;
        let nbits = planes.offsets.len();
        Self {
            normals: upload_matrix(planes.normals, d, device),
            offsets: upload_matrix(planes.offsets, nbits, device),
            wanted: upload_matrix(wanted, nbits, device),
        }
    }

    /// Signed distances of descriptors `[n, d]` from each hyperplane, negative on the unwanted side:
    /// `[n, nbits]`. Differentiable with respect to the descriptors. A normal of length 0 counts as one of
    /// length 1.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use active_index_index::Signs;
    ///
    /// let device = Device::flex();
    /// let signs = Signs {
    ///     normals: Tensor::from_floats([[3.0, 4.0], [0.0, 2.0]], &device),
    ///     offsets: Tensor::from_floats([[5.0, 0.0]], &device),
    ///     wanted: Tensor::from_floats([[1.0, -1.0]], &device),
    /// };
    /// let margins = signs.margins(Tensor::from_floats([[3.0, 1.0]], &device));
    /// let margins: Vec<f32> = margins.into_data().iter().collect();
    /// assert!((margins[0] - 1.6).abs() < 1e-6 && (margins[1] + 1.0).abs() < 1e-6);
    /// ```
    pub fn margins(&self, descriptors: Tensor<2>) -> Tensor<2> {
        let lengths = self.normals.clone().powi_scalar(2).sum_dim(1).sqrt();
        let empty = lengths.clone().equal_elem(0.0);
        let lengths = lengths.mask_fill(empty, 1.0);
        let normals = (self.normals.clone() / lengths.clone()).transpose();
        let offsets = self.offsets.clone() / lengths.transpose();
        let [normals, offsets, wanted] = [normals, offsets, self.wanted.clone()]
            .map(|constant| if descriptors.is_autodiff() { constant.autodiff() } else { constant });
        (matmul(descriptors, normals) - offsets) * wanted
    }
}
