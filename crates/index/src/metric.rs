//! Metrics, squared L2 distance and inner product.

use std::{fmt, str::FromStr};

use simd::Level;

use crate::{
    error::{Error, Result},
    kernels::{Form, one},
};

/// Number of partial sums.
const LANES: usize = 8;

/// Measure of similarity of two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Metric {
    /// Squared Euclidean distance; smaller is nearer. As in faiss, no root is taken.
    #[default]
    L2,
    /// Inner product; larger is nearer.
    InnerProduct,
}

impl Metric {
    /// Distance reported for a neighbour that does not exist, the worst finite value, as in faiss.
    pub(crate) fn worst(self) -> f32 {
        self.distance_of(f32::MAX)
    }

    /// Sort key of a distance; smaller is nearer for both metrics. Inverse of [`Self::distance_of`].
    pub(crate) fn key(self, distance: f32) -> f32 {
        match self {
            Self::L2 => distance,
            Self::InnerProduct => -distance,
        }
    }

    /// Distance whose sort key is `key`.
    pub(crate) fn distance_of(self, key: f32) -> f32 {
        self.key(key)
    }

    /// Sum that the kernels compute.
    pub(crate) fn form(self) -> Form {
        match self {
            Self::L2 => Form::SquaredL2,
            Self::InnerProduct => Form::InnerProduct,
        }
    }

    /// Squared distance or inner product of two vectors of equal length.
    pub(crate) fn distance(self, a: &[f32], b: &[f32]) -> f32 {
        one(Level::detected(), self.form(), a, b)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L2 => "l2",
            Self::InnerProduct => "ip",
        })
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "l2" => Ok(Self::L2),
            "ip" => Ok(Self::InnerProduct),
            _ => Err(Error::argument("metric", "`l2` or `ip`", format!("{text:?}"))),
        }
    }
}

/// `sum_i (a_i - b_i)^2`.
pub(crate) fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
    one(Level::detected(), Form::SquaredL2, a, b)
}

/// `sum_i a_i b_i`.
pub(crate) fn inner_product(a: &[f32], b: &[f32]) -> f32 {
    one(Level::detected(), Form::InnerProduct, a, b)
}

/// `sum_i |a_i|^2` in double precision.
pub(crate) fn squared_norm(a: &[f32]) -> f64 {
    let (chunks, rest) = a.as_chunks::<LANES>();
    let mut lanes = [0.0f64; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += f64::from(x) * f64::from(x));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_agree_with_double_precision_at_every_length() {
        for d in 0..40 {
            let a: Vec<f32> = (0..d).map(|i| (i as f32 * 0.7).sin()).collect();
            let b: Vec<f32> = (0..d).map(|i| (i as f32 * 1.3).cos()).collect();
            let pairs = || a.iter().zip(&b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let l2: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
            let ip: f64 = pairs().map(|(a, b)| a * b).sum();
            assert!((f64::from(squared_l2(&a, &b)) - l2).abs() < 1e-5, "d {d}");
            assert!((f64::from(inner_product(&a, &b)) - ip).abs() < 1e-5, "d {d}");
            let norm: f64 = a.iter().map(|&a| f64::from(a).powi(2)).sum();
            assert!((squared_norm(&a) - norm).abs() < 1e-13, "d {d}");
        }
    }

    #[test]
    fn names_round_trip() {
        for metric in [Metric::L2, Metric::InnerProduct] {
            assert_eq!(metric.to_string().parse::<Metric>().expect("parses"), metric);
        }
        assert!("cosine".parse::<Metric>().is_err());
    }
}
