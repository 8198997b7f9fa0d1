//! Failures of describing images.

/// Failure of one image, or of the whole stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The image file cannot be read or decoded.
    #[error(transparent)]
    Image(#[from] image_file::Error),
    /// The network's input would be too large for its memory.
    #[error("would be resized to {width} x {height} pixels, expected at most {most}: stretch images instead")]
    InputSize {
        /// Width of the input in pixels.
        width: usize,
        /// Height of the input in pixels.
        height: usize,
        /// Largest number of pixels.
        most: usize,
    },
    /// The device failed to compute descriptors.
    #[error(transparent)]
    Device(#[from] device_math::Error),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A thread panicked before it delivered its result.
    #[error("a thread ended early")]
    ThreadEnded,
}

impl Error {
    /// Returns whether a smaller batch may succeed.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Device(device_math::Error::OutOfMemory(_)))
    }
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
