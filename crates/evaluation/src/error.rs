//! Failures of edits, measures and tables.

/// Failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No edit has this name.
    #[error("unknown edit `{name}`, expected one of {known}")]
    UnknownEdit {
        /// The requested name.
        name: String,
        /// The existing names, with their parameters.
        known: String,
    },
    /// The parameter of an edit is missing, superfluous, unreadable or out of range.
    #[error("edit `{edit}`: expected {expected}, found {found}")]
    Parameter {
        /// Name of the edit.
        edit: &'static str,
        /// Range of the parameter.
        expected: &'static str,
        /// The parameter.
        found: String,
    },
    /// An edit of one image of an evaluation failed.
    #[error("image {image} of the evaluation, edit `{edit}`: {source}")]
    Edit {
        /// Text form of the edit.
        edit: String,
        /// Number of the image among the evaluated ones, from 0.
        image: usize,
        /// The cause.
        source: Box<Self>,
    },
    /// An image has no pixel.
    #[error("image is {width}x{height}, expected at least 1x1")]
    EmptyImage {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The edited image would be too large to hold.
    #[error("edited image would be {width}x{height}, expected at most {most} pixels")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Largest number of pixels.
        most: u64,
    },
    /// Two images that should be compared pixel by pixel differ in size.
    #[error("images differ in size: {}x{} and {}x{}", .a.0, .a.1, .b.0, .b.1)]
    SizeMismatch {
        /// Width and height of the first.
        a: (u32, u32),
        /// Width and height of the second.
        b: (u32, u32),
    },
    /// The image is too large for JPEG.
    #[error("image is {width}x{height}, expected sides of at most 65535 pixels for jpeg")]
    JpegSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The resampling crate refused the image.
    #[error("resize: {0}")]
    Resize(#[from] fast_image_resize::ResizeError),
    /// There are no queries to measure.
    #[error("no queries, expected at least one to measure")]
    NoQueries,
    /// Descriptors and right answers do not pair up.
    #[error("{descriptors} descriptors but {truth} right ids, expected as many of each")]
    TruthLength {
        /// Rows of the descriptor matrix.
        descriptors: usize,
        /// Length of the list of right ids.
        truth: usize,
    },
    /// Columns of values of the same photographs differ in length.
    #[error("a column of {found} values beside one of {expected}, expected one value a photograph in each")]
    ColumnLength {
        /// Length of the first column.
        expected: usize,
        /// Length of another one.
        found: usize,
    },
    /// Intervals need at least one resample.
    #[error("0 resamples, expected at least 1")]
    NoResamples,
    /// No query has a match.
    #[error("no query has a match, expected at least one")]
    NoMatches,
    /// A score is NaN and cannot be ranked.
    #[error("a score is not a number, expected one that can be ranked")]
    NotRanked,
    /// Predictions hold more right answers than there are matches.
    #[error("{found} right answers among the predictions, expected at most the {matches} matches there are")]
    TooManyMatches {
        /// Number of matches.
        matches: usize,
        /// Number of right predictions.
        found: usize,
    },
    /// A line of a table is not of ISC2021's layout.
    #[error("line {line}: {expected}, found `{found}`")]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// Expected content.
        expected: &'static str,
        /// Content of the line.
        found: String,
    },
    /// A table cannot be read or written.
    #[error("csv: {0}")]
    Csv(#[from] csv::Error),
    /// The index refused the search.
    #[error("index: {0}")]
    Index(#[from] index::Error),
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
