//! Queries on the device, transformed for the innermost index.

use burn::tensor::{Device, FloatDType, Int, Tensor};
use device_math::{
    exact_products::matmul,
    transfer::{download_ints, upload_matrix},
};

use crate::{
    error::{Error, Result},
    quantise::transform::Transform,
};

/// A transform on the device.
#[expect(clippy::large_enum_variant, reason = "few and long-lived")]
pub(super) enum DeviceTransform {
    Linear {
        /// `[d_in, d_out]`.
        weights: Tensor<2>,
        /// `[1, d_out]`.
        bias: Option<Tensor<2>>,
    },
    /// Scaling to unit length.
    Normalise,
}

impl DeviceTransform {
    pub fn new(transform: &Transform, device: &Device) -> Self {
        match transform.as_linear() {
            None => Self::Normalise,
            Some(linear) => Self::Linear {
                weights: upload_matrix(linear.a().to_vec(), linear.d_in(), device).transpose(),
                bias: (!linear.b().is_empty())
                    .then(|| upload_matrix(linear.b().to_vec(), linear.d_out(), device)),
            },
        }
    }

    fn apply(&self, rows: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear { weights, bias } => {
                let rows = matmul(rows, weights.clone());
                match bias {
                    Some(bias) => rows + bias.clone(),
                    None => rows,
                }
            }
            Self::Normalise => {
                divide(divide_by_largest(rows.clone()), |rows| rows.square().sum_dim(1).sqrt())
            }
        }
    }
}

/// Scales rows to a largest component of magnitude 1, so that their squares neither overflow nor vanish.
fn divide_by_largest(rows: Tensor<2>) -> Tensor<2> {
    divide(rows, |rows| rows.abs().max_dim(1))
}

/// Divides each of `rows` `[n, d]` by its `length` `[n, 1]`; rows of length 0 are kept.
fn divide(rows: Tensor<2>, length: impl Fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    let length = length(rows.clone());
    let none = length.clone().equal_elem(0.0);
    rows / length.mask_fill(none, 1.0)
}

/// Transformed queries.
pub(super) struct Queries {
    /// Finite, `[n, d]`.
    rows: Tensor<2>,
    /// Number of components of each query that were not finite and were replaced by 0, `[n, 1]`.
    wrong: Tensor<2, Int>,
}

impl Queries {
    /// Transforms at least one query from any device; reads nothing back.
    pub fn new(queries: Tensor<2>, transforms: &[DeviceTransform], device: &Device) -> Self {
        let queries = queries.inner().to_device(device).cast(FloatDType::F32);
        let rows = transforms.iter().fold(queries, |rows, transform| transform.apply(rows));
        let wrong = rows.clone().is_finite().bool_not();
        Self { rows: rows.mask_fill(wrong.clone(), 0.0), wrong: wrong.int().sum_dim(1) }
    }

    pub fn n(&self) -> usize {
        self.rows.dims()[0]
    }

    /// The queries in blocks of at most `count`, in order.
    pub fn blocks(&self, count: usize) -> impl Iterator<Item = Tensor<2>> {
        let [n, d] = self.rows.dims();
        (0..n).step_by(count).map(move |start| self.rows.clone().slice([start..(start + count).min(n), 0..d]))
    }

    /// Fails at the first query that is not finite, before or after the transforms.
    pub fn check_finite(&self) -> Result<()> {
        match download_ints(self.wrong.clone())?.iter().position(|&wrong| wrong > 0) {
            Some(row) => Err(Error::NotFinite { what: "queries", row }),
            None => Ok(()),
        }
    }
}
