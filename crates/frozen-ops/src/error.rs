//! Errors of building a convolution.

use crate::Precision;

/// Reason why a convolution could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Size that does not fit the others.
    #[error("{what}: expected {expected}, found {found}")]
    Size {
        /// Name of the size.
        what: &'static str,
        /// Expected value.
        expected: String,
        /// Value found.
        found: String,
    },
    /// Precision that the device does not multiply in.
    #[error("the device does not multiply in {0}")]
    Precision(Precision),
    /// Weights that cannot be read from their device.
    #[error(transparent)]
    Device(#[from] device_math::Error),
}

/// Result of building a convolution.
pub type Result<T> = std::result::Result<T, Error>;

/// Fails unless `holds`.
pub(crate) fn check(
    what: &'static str,
    holds: bool,
    expected: impl ToString,
    found: impl ToString,
) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::Size { what, expected: expected.to_string(), found: found.to_string() }),
    }
}
