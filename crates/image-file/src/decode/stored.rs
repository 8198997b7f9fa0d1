//! A file's image before conversion to sRGB and upright orientation.

use image::metadata::Orientation;

use crate::{colour::Decoded, metadata::Metadata};

/// Pixels as they are stored, with their orientation and metadata.
pub struct Stored {
    /// Pixels in the colours of the file.
    pub pixels: Decoded,
    /// Transform that turns the pixels upright.
    pub orientation: Orientation,
    /// Metadata as stored.
    pub metadata: Metadata,
    /// Ignored parts of the file, one sentence each.
    pub notes: Vec<String>,
}
