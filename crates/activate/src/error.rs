use extractor::transfer::{self, Failure};

/// Why an image could not be activated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The index refused.
    #[error(transparent)]
    Index(#[from] index::Error),
    /// The index holds vectors of another dimension than the extractor's descriptors.
    #[error("the index holds vectors of dimension {index}, the extractor's descriptors have {descriptor}")]
    Dimension {
        /// Dimension of the index.
        index: usize,
        /// Dimension of the descriptors.
        descriptor: usize,
    },
    /// The index stores vectors exactly, so that an image's descriptor is its own reconstruction.
    #[error(
        "an index {factory} stores descriptors exactly, there is nothing to approach: use one with a quantiser, or the target `centroid`"
    )]
    NothingToApproach {
        /// The index's factory string.
        factory: String,
    },
    /// The index has no cells that an image could be safe in.
    #[error("an index {factory} has no cells that copies could stay in")]
    NoCells {
        /// The index's factory string.
        factory: String,
    },
    /// The index has fewer cells than an image is to be stored in.
    #[error("{cells} cells of an image, but the index has {nlist}")]
    FewCells {
        /// Cells of the index.
        nlist: usize,
        /// Cells of an image.
        cells: usize,
    },
    /// An image is no `[1, 3, h, w]` tensor with non-empty sides.
    #[error("an image has shape {0:?}, expected [1, 3, height, width]")]
    ImageShape(Vec<usize>),
    /// A buffer does not hold the pixels it should.
    #[error("{found} bytes for {width} x {height} RGB pixels")]
    Buffer {
        /// Length of the buffer.
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
        /// Its value.
        value: f64,
        /// Its range.
        expected: &'static str,
    },
    /// A tensor could not be read from its device, or not be computed there.
    #[error(transparent)]
    Device(#[from] Failure),
}

impl Error {
    /// Whether the device had no room, so that fewer or smaller images may go through; it is as usable as before.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            Self::Device(failure) => matches!(failure, Failure::OutOfMemory(_)),
            Self::Index(error) => transfer::is_out_of_memory(&error.to_string()),
            _ => false,
        }
    }
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
