//! Errors of the crate.

/// Reason why an image could not be activated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The index failed.
    #[error(transparent)]
    Index(#[from] index::Error),
    /// The index holds vectors of another dimension than the extractor's descriptors have.
    #[error("the index holds vectors of dimension {index}, the extractor's descriptors have {descriptor}")]
    Dimension {
        /// Dimension of the index.
        index: usize,
        /// Dimension of the descriptors.
        descriptor: usize,
    },
    /// The index stores vectors exactly, so a descriptor is its own reconstruction.
    #[error(
        "the index {factory} stores descriptors exactly, so there is nothing to approach: use an index with a quantiser, or the target `centroid`"
    )]
    NothingToApproach {
        /// The index's factory string.
        factory: String,
    },
    /// A setting needs cells, which the index does not have.
    #[error("the index {factory} has no cells that copies could stay in")]
    NoCells {
        /// The index's factory string.
        factory: String,
    },
    /// The index has fewer cells than the own cells of an image.
    #[error("an image has {cells} cells of its own, but the index has only {nlist}")]
    FewCells {
        /// Number of cells of the index.
        nlist: usize,
        /// Number of own cells of an image.
        cells: usize,
    },
    /// An image is not a `[1, 3, h, w]` tensor with non-empty sides.
    #[error("an image has shape {0:?}, expected [1, 3, height, width]")]
    ImageShape(Vec<usize>),
    /// A buffer has another length than its image.
    #[error("{found} values for {width} x {height} RGB pixels, expected 3 for each pixel")]
    Buffer {
        /// Length of the buffer, in values.
        found: usize,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A setting is outside its range.
    #[error("{name} is {value}, expected {expected}")]
    Setting {
        /// Name of the field.
        name: &'static str,
        /// Value of the field.
        value: f64,
        /// Range of the field.
        expected: &'static str,
    },
    /// A tensor could not be computed on its device or read from it.
    #[error(transparent)]
    Device(#[from] device_math::Error),
}

impl Error {
    /// Returns true if the device ran out of memory. It remains usable, and fewer or smaller images may fit.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            Self::Device(error) | Self::Index(index::Error::Device(error)) => {
                matches!(error, device_math::Error::OutOfMemory(_))
            }
            _ => false,
        }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
