use crate::Precision;

/// What can be wrong with a convolution.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A size that does not fit the others.
    #[error("{what}: expected {expected}, found {found}")]
    Size {
        /// Which size.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Fewer bits than the device has products of.
    #[error("the device has no products of {0}")]
    Precision(Precision),
    /// Weights that cannot be read from their device.
    #[error("device: {0}")]
    Device(String),
}

/// The result of building a convolution.
pub type Result<T> = std::result::Result<T, Error>;
