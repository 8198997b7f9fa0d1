use std::io;

use crate::Format;

/// Why an image file could not be read or written. Callers know its name and put it before the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A folder, a pipe or a device.
    #[error("is no regular file")]
    NoRegularFile,
    /// Nothing is in the file.
    #[error("the file is empty")]
    Empty,
    /// Larger than [`Limits::max_file_bytes`](crate::Limits::max_file_bytes).
    #[error("has {bytes} bytes, more than the {limit} allowed")]
    TooManyBytes {
        /// Length of the file.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The first bytes are those of no image format.
    #[error("is no image of a known format")]
    UnknownFormat,
    /// A format that is recognised and not decoded.
    #[error("is in {name} format, which is not supported{hint}")]
    UnsupportedFormat {
        /// The format's name.
        name: &'static str,
        /// What would help, or nothing.
        hint: &'static str,
    },
    /// A supported format in a variety that is not decoded.
    #[error("{format} with {feature} is not supported")]
    UnsupportedFeature {
        /// The format.
        format: Format,
        /// What is special about the file.
        feature: String,
    },
    /// An image without pixels.
    #[error("is {width} x {height} pixels")]
    NoPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Longer than [`Limits::max_side`](crate::Limits::max_side).
    #[error("is {width} x {height} pixels, longer than the {limit} that are allowed")]
    TooLong {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        limit: u32,
    },
    /// More than [`Limits::max_pixels`](crate::Limits::max_pixels).
    #[error("is {width} x {height} pixels, more than the {limit} that are allowed")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        limit: u64,
    },
    /// Decoding would take more than [`Limits::max_memory`](crate::Limits::max_memory).
    #[error("decoding takes more than the {limit} bytes of memory that are allowed")]
    TooMuchMemory {
        /// The limit.
        limit: u64,
    },
    /// Decoding took longer than [`Limits::max_seconds`](crate::Limits::max_seconds).
    #[error("decoding takes longer than the {limit} seconds that are allowed")]
    TooSlow {
        /// The limit.
        limit: f64,
    },
    /// The file ends before its image does.
    #[error("the {0} data ends too early")]
    CutShort(Format),
    /// The file's data contradicts its format.
    #[error("damaged {format} data: {reason}")]
    Damaged {
        /// The format.
        format: Format,
        /// What the decoder says.
        reason: String,
    },
    /// The format cannot hold the image.
    #[error("{width} x {height} pixels are too many for {format}, use PNG")]
    TooLargeFor {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The format.
        format: Format,
    },
    /// Pixels of another size than the image they belong to.
    #[error("{found:?} pixels for an image of {expected:?}")]
    SizeMismatch {
        /// Width and height of the pixels.
        found: (u32, u32),
        /// Width and height of the image.
        expected: (u32, u32),
    },
    /// An encoder refused.
    #[error("cannot write {format}: {reason}")]
    Encode {
        /// The format.
        format: Format,
        /// What the encoder says.
        reason: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Damage in a format, in the words of its decoder.
    pub(crate) fn damaged(format: Format) -> impl Fn(String) -> Self {
        move |reason| Self::Damaged { format, reason }
    }
}
