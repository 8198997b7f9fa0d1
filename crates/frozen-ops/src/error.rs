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
    /// Numbers of 16 bits where there are no instructions for them.
    #[error("no dot products of bf16 {0}")]
    NoBf16(&'static str),
    /// Weights that cannot be read from their device.
    #[error("device: {0}")]
    Device(String),
}

/// The result of building a convolution.
pub type Result<T> = std::result::Result<T, Error>;
