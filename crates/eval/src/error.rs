use crate::transform::MAX_PIXELS;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name before `=` is no transform.
    #[error("unknown transform `{name}`, expected one of {known}")]
    UnknownTransform {
        /// What was asked for.
        name: String,
        /// The names that exist, with the unit of each parameter.
        known: String,
    },
    /// A transform's parameter is missing, superfluous, unreadable or out of range.
    #[error("transform `{transform}`: expected {expected}, found {found}")]
    Parameter {
        /// The transform's name.
        transform: &'static str,
        /// What the parameter may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
    /// An edit of one image of an evaluation failed.
    #[error("image {image} of the evaluation, edit `{transform}`: {source}")]
    Edit {
        /// The edit.
        transform: crate::Transform,
        /// The image's place among the evaluated ones, from 0.
        image: usize,
        /// Why.
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
    #[error("edited image would be {width}x{height}, expected at most {MAX_PIXELS} pixels")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Two images that should be compared pixel by pixel differ in size.
    #[error("images differ in size: {}x{} and {}x{}", .a.0, .a.1, .b.0, .b.1)]
    SizeMismatch {
        /// Width and height of the first.
        a: (u32, u32),
        /// Width and height of the second.
        b: (u32, u32),
    },
    /// JPEG holds no such image.
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
    /// A measure of no query.
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
    /// Values of the same photographs that are not as many.
    #[error("a column of {found} values beside one of {expected}, expected one value a photograph in each")]
    ColumnLength {
        /// Length of the first column.
        expected: usize,
        /// Length of another one.
        found: usize,
    },
    /// Intervals from no resample.
    #[error("0 resamples, expected at least 1")]
    NoResamples,
    /// A list of matches without a match.
    #[error("no query has a match, expected at least one")]
    NoMatches,
    /// A score that cannot be ranked.
    #[error("a score is not a number, expected one that can be ranked")]
    NotRanked,
    /// More right answers than there are.
    #[error("{found} right answers among the predictions, expected at most the {matches} matches there are")]
    TooManyMatches {
        /// How many matches there are.
        matches: usize,
        /// How many predictions are right.
        found: usize,
    },
    /// A line of a table of ISC2021's layout.
    #[error("line {line}: {expected}, found `{found}`")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What should be there.
        expected: &'static str,
        /// What is.
        found: String,
    },
    /// A table that cannot be read or written.
    #[error("csv: {0}")]
    Csv(#[from] csv::Error),
    /// The index refused the search.
    #[error("index: {0}")]
    Index(#[from] index::Error),
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
