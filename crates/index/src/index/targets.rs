//! What descriptors are moved towards, on the device.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use unrounded::matmul;

use crate::{quantise::hyperplanes::Sides, vectors::upload};

/// Targets of `n` vectors of dimension `d`: points, and where codes tell no more than sides of hyperplanes, those.
#[derive(Debug, Clone)]
pub struct Aim {
    /// `[n, d]`.
    pub points: Tensor<2>,
    /// Of `LSH` codes, also behind linear transforms. `None` for other codes; for `LSH` behind `L2norm` only where
    /// every hyperplane passes through the origin, because scaling would bend the others.
    pub signs: Option<Signs>,
}

/// Sides of hyperplanes, of which there are `nbits`, one for each bit of a code.
#[derive(Debug, Clone)]
pub struct Signs {
    /// `[nbits, d]`, of any length.
    pub normals: Tensor<2>,
    /// `[1, nbits]`: the hyperplane is where `normal . x` is the offset.
    pub offsets: Tensor<2>,
    /// `[n, nbits]`: 1 where the bit is set, on the side to which the normal points, -1 where it is not.
    pub wanted: Tensor<2>,
}

impl Aim {
    /// The targets of some of the vectors.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let signs = self
            .signs
            .as_ref()
            .map(|signs| Signs { wanted: signs.wanted.clone().slice([rows.clone()]), ..signs.clone() });
        Self { points: self.points.clone().slice([rows]), signs }
    }

    /// The targets of some of the vectors, in the given order.
    ///
    /// # Panics
    /// No row, or one that does not exist.
    pub fn select(&self, rows: &[usize]) -> Self {
        let select = |tensor: &Tensor<2>| {
            Tensor::cat(rows.iter().map(|&row| tensor.clone().narrow(0, row, 1)).collect(), 0)
        };
        let signs = self.signs.as_ref().map(|signs| Signs { wanted: select(&signs.wanted), ..signs.clone() });
        Self { points: select(&self.points), signs }
    }
}

impl From<Tensor<2>> for Aim {
    /// Points alone.
    fn from(points: Tensor<2>) -> Self {
        Self { points, signs: None }
    }
}

impl Signs {
    /// Of vectors of dimension `d`.
    pub(crate) fn upload(sides: Sides, d: usize, device: &Device) -> Self {
        let Sides { planes, wanted } = sides;
        let nbits = planes.offsets.len();
        Self {
            normals: upload(planes.normals, d, device),
            offsets: upload(planes.offsets, nbits, device),
            wanted: upload(wanted, nbits, device),
        }
    }

    /// How far descriptors `[n, d]` are from each hyperplane, negative on the side that is not wanted: `[n, nbits]`.
    /// Differentiable with respect to the descriptors. A normal of length 0 counts as one of length 1.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use index::Signs;
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
