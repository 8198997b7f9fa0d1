//! Failures of releases.

use std::{io, path::PathBuf, sync::Arc};

use image_file::path_text;

/// Reason why an image was not released, or a release ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's plan refuses the image, for this reason.
    #[error("{0}")]
    Refused(String),
    /// The image cannot be read, decoded or encoded.
    #[error(transparent)]
    Image(#[from] image_file::Error),
    /// The image cannot be activated.
    #[error(transparent)]
    Activate(#[from] activate::Error),
    /// There is nothing to activate for.
    #[error("no index to activate for")]
    NoIndex,
    /// Not even the unchanged original keeps the limits in the file format.
    #[error("the file format alone reduces the quality to {psnr:.2} dB and SSIM {ssim:.4}, below the limits")]
    BelowLimits {
        /// PSNR of the unchanged original in the file format, in dB.
        psnr: f64,
        /// SSIM of the same.
        ssim: f64,
    },
    /// Two images that should be compared pixel by pixel differ in size.
    #[error("images differ in size: {}x{} and {}x{}", .a.0, .a.1, .b.0, .b.1)]
    SizeMismatch {
        /// Width and height of the first.
        a: (u32, u32),
        /// Width and height of the second.
        b: (u32, u32),
    },
    /// An image has no pixel.
    #[error("image is {width}x{height}, expected at least 1x1")]
    EmptyImage {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The released file cannot be written.
    #[error("cannot write {}: {source}", path_text(.path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The collection cannot be read or written; several images may fail by one cause.
    #[error(transparent)]
    Collection(Arc<collection::Error>),
    /// The collection keeps witnesses of a kind that this version does not know.
    #[error("{collection}: its kind of witnesses: {source}")]
    WitnessKind {
        /// Path of the collection.
        collection: String,
        /// The cause.
        source: witness::Error,
    },
    /// An earlier job of the same run has the same file, and failed.
    #[error("the same picture was to be released in this run, and failed")]
    FirstFailed,
    /// The destination returned no outcome for a file.
    #[error("the destination took no file")]
    NotTaken,
    /// A thread cannot be started, or panicked.
    #[error(transparent)]
    Threads(#[from] describe::Error),
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<collection::Error> for Error {
    fn from(error: collection::Error) -> Self {
        Self::Collection(Arc::new(error))
    }
}

impl Error {
    /// Returns true if fewer images at once may succeed.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Activate(error) if error.is_out_of_memory())
    }
}

/// Joins an error and its causes in one line without control characters, and leaves out causes that the line already
/// contains.
pub fn one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = String::new();
    for cause in std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string) {
        if !line.contains(&cause) {
            let separator = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{separator}{cause}");
        }
    }
    // Spaces stay as they are: they may be those of a file's name.
    let pieces = line.split(char::is_control).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(" ")
}
