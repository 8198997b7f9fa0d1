//! Errors of this crate.

use std::io;

use crate::Format;

/// Failure to read or write an image file. Messages do not contain the file's name, which the caller adds in front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store that has the file refuses, or does not answer.
    #[error(transparent)]
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// The path is a link to a file that does not exist.
    #[error("links to {target}, which does not exist")]
    DanglingLink {
        /// Target of the link.
        target: String,
    },
    /// The path is a folder, a pipe or a device.
    #[error("is not a regular file")]
    NoRegularFile,
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than [`Limits::max_file_bytes`](crate::Limits::max_file_bytes).
    #[error("has {bytes} bytes, more than the {limit} allowed")]
    TooManyBytes {
        /// Length of the file.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The first bytes belong to no known image format.
    #[error("is no image of a known format")]
    UnknownFormat,
    /// The file stands for another one, whose content was not fetched.
    #[error("holds a pointer of {program}, and the content is not here")]
    Pointer {
        /// Program that fetches the content.
        program: &'static str,
    },
    /// The format is recognised but not decoded.
    #[error("is in {name} format, which is not supported{hint}")]
    UnsupportedFormat {
        /// The format's name.
        name: &'static str,
        /// Remedy, with a space in front, or empty.
        hint: &'static str,
    },
    /// The format is supported, but not in this variety.
    #[error("{format} with {feature} is not supported")]
    UnsupportedFeature {
        /// The format.
        format: Format,
        /// The unsupported feature of the file.
        feature: String,
    },
    /// The image has no pixels.
    #[error("is {width} x {height} pixels")]
    NoPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A side is longer than [`Limits::max_side`](crate::Limits::max_side).
    #[error("is {width} x {height} pixels, longer than the {limit} allowed")]
    TooLong {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        limit: u32,
    },
    /// The image has more pixels than [`Limits::max_pixels`](crate::Limits::max_pixels).
    #[error("is {width} x {height} pixels, more than the {limit} allowed")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        limit: u64,
    },
    /// Decoding would take more than [`Limits::max_memory`](crate::Limits::max_memory).
    #[error("decoding takes more than the {limit} bytes of memory allowed")]
    TooMuchMemory {
        /// The limit.
        limit: u64,
    },
    /// Decoding took longer than [`Limits::max_seconds`](crate::Limits::max_seconds).
    #[error("decoding takes longer than the {limit} seconds allowed")]
    TooSlow {
        /// The limit.
        limit: f64,
    },
    /// The file ends before its image.
    #[error("the {0} data ends too early")]
    CutShort(Format),
    /// The file's data contradicts its format.
    #[error("damaged {format} data: {reason}")]
    Damaged {
        /// The format.
        format: Format,
        /// The decoder's message.
        reason: String,
    },
    /// The format's decoder panicked, which is a fault of the decoder.
    #[error("the {format} decoder fails on this file: {reason}")]
    DecoderPanicked {
        /// The format.
        format: Format,
        /// The panic's message, in one line.
        reason: String,
    },
    /// The image is too large for the format.
    #[error("{width} x {height} pixels are too many for {format}, use PNG")]
    TooLargeFor {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The format.
        format: Format,
    },
    /// The pixels have another size than their image.
    #[error("{found:?} pixels for an image of {expected:?}")]
    SizeMismatch {
        /// Width and height of the pixels.
        found: (u32, u32),
        /// Width and height of the image.
        expected: (u32, u32),
    },
    /// An encoder failed.
    #[error("cannot write {format}: {reason}")]
    Encode {
        /// The format.
        format: Format,
        /// The encoder's message.
        reason: String,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Maps the message of a format's decoder to [`Error::Damaged`].
    pub(crate) fn damaged(format: Format) -> impl Fn(String) -> Self {
        move |reason| Self::Damaged { format, reason }
    }
}
