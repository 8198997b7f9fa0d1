//! Pooling of feature maps to one vector.

use std::fmt;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Lower bound that values are raised to before generalised-mean pooling.
const FLOOR: f64 = 1e-6;

/// Pooling of the features of an image to one vector.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Generalised mean (Radenović et al., TPAMI 2019) with this exponent. Values below 1e-6 are raised to it, even at
    /// exponent 1.
    Gem(f64),
    /// The mean.
    Average,
    /// A transformer's class token.
    Class,
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gem(exponent) => write!(f, "generalised-mean pooling of exponent {exponent}"),
            Self::Average => f.write_str("average pooling"),
            Self::Class => f.write_str("the class token"),
        }
    }
}

impl Pooling {
    /// Pools feature maps. There is no class token among them: [`Pooling::Class`] averages.
    ///
    /// # Shapes
    /// `[n, c, h, w]` -> `[n, c]`
    pub(crate) fn forward(self, features: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Gem(exponent) => gem(features, exponent),
            Self::Average | Self::Class => features.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2),
        }
    }
}

/// Generalised-mean pooling: the `exponent`-th root of the mean power.
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c]`
pub fn gem(features: Tensor<4>, exponent: f64) -> Tensor<2> {
    let x: Tensor<3> = features.flatten(2, 3);
    let x = x.clamp_min(FLOOR);
    let powers = match exponent {
        1.0 => return x.mean_dim(2).squeeze_dim(2),
        3.0 => x.clone() * x.clone() * x, // many times faster than `powf`
        _ => x.powf_scalar(exponent),
    };
    powers.mean_dim(2).powf_scalar(1.0 / exponent).squeeze_dim(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn pools_to_the_root_of_the_mean_power() {
        let device = Device::flex();
        let features = Tensor::<4>::from_floats([[[[1.0, 2.0], [3.0, -5.0]]]], &device);
        for (exponent, expected) in
            [(1.0, 6.0_f32 / 4.0), (2.0, (14.0_f32 / 4.0).sqrt()), (3.0, (36.0_f32 / 4.0).cbrt())]
        {
            let pooled = gem(features.clone(), exponent).into_scalar::<f32>();
            assert!((pooled - expected).abs() < 2e-6, "{exponent}: {pooled} for {expected}");
        }
        let mean = Pooling::Average.forward(features).into_scalar::<f32>();
        assert!((mean - 0.25).abs() < 1e-6, "{mean}");
    }
}
