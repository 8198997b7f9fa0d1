//! Choice of the point that represents a vector.

use std::{fmt, str::FromStr};

use crate::{Error, Result};

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
