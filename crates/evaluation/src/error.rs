//! Failures of edits, measures and evaluations.

use std::{io, path::PathBuf};

use image_file::path_text;

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
    /// An edit of an image failed.
    #[error("edit `{edit}`: {source}")]
    Edit {
        /// Text form of the edit.
        edit: String,
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
    /// A released image cannot be compared with its original.
    #[error(transparent)]
    Release(#[from] release::Error),
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
    /// The index refused, or a file of descriptors cannot be read.
    #[error(transparent)]
    Index(#[from] index::Error),
    /// An image cannot be read or decoded.
    #[error(transparent)]
    Image(#[from] image_file::Error),
    /// Images cannot be described.
    #[error(transparent)]
    Describe(#[from] describe::Error),
    /// A file cannot be read or written.
    #[error("{}: {source}", path_text(.path))]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The content of a file caused a failure.
    #[error("{}: {source}", path_text(.path))]
    InFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<Self>,
    },
    /// A file holds too few descriptors.
    #[error("{}: {found} descriptors, expected at least {least}", path_text(.path))]
    FewDescriptors {
        /// The file.
        path: PathBuf,
        /// Number of descriptors in it.
        found: usize,
        /// Least number of descriptors.
        least: usize,
    },
    /// A file holds descriptors of another dimension than the index.
    #[error("{}: of dimension {found}, but the index is of {expected}", path_text(.path))]
    Dimension {
        /// The file.
        path: PathBuf,
        /// Dimension of the descriptors.
        found: usize,
        /// Dimension of the index.
        expected: usize,
    },
    /// A file cannot keep known descriptors.
    #[error("{}: {reason}", path_text(.path))]
    ResumeFile {
        /// The file.
        path: PathBuf,
        /// Reason, and a way out.
        reason: String,
    },
    /// No original has a released version.
    #[error(
        "none of the {originals} originals has a released image of its name in {}, such as {}",
        path_text(.folder),
        path_text(.example)
    )]
    NothingReleased {
        /// Number of originals.
        originals: usize,
        /// Folder of the released versions.
        folder: PathBuf,
        /// Name that one of them would have.
        example: PathBuf,
    },
    /// An original has no released version.
    #[error("has no released image in {}: activate it first", path_text(.folder))]
    NotReleased {
        /// Folder of the released versions.
        folder: PathBuf,
    },
    /// Two originals have the same released version, which is of one of them.
    #[error("{} is the released image of {} already", path_text(.released), path_text(.other))]
    ReleasedTwice {
        /// The released version.
        released: PathBuf,
        /// Another original.
        other: PathBuf,
    },
    /// A released version differs from its original in size.
    #[error("is {original:?} pixels, but {name} is {released:?}")]
    ReleasedSize {
        /// Width and height of the original.
        original: (u32, u32),
        /// Width and height of the released version.
        released: (u32, u32),
        /// Name of the released version.
        name: String,
    },
    /// The index has an entry of an image that was to be added.
    #[error("{image} is in the index already")]
    AlreadyStored {
        /// Name of the image.
        image: String,
    },
    /// Two images have one name, so that their entries and copies cannot be told apart.
    #[error("two images are called {name}: rename one")]
    ImagesShareName {
        /// The name.
        name: String,
    },
    /// Two entries of the index have the name of one image.
    #[error("the entries {} and {} of the index are both called {name}, and one of them may be another image", .ids[0], .ids[1])]
    EntriesShareName {
        /// The name.
        name: String,
        /// Ids of the entries.
        ids: [i64; 2],
    },
    /// The caller cancelled before there were findings.
    #[error("interrupted before any image was finished")]
    Interrupted,
    /// Every image failed.
    #[error("none of the images can be evaluated")]
    NothingEvaluated,
    /// Every image of a query failed.
    #[error("none of the {images} images can be a query")]
    NoQueryImages {
        /// Number of images.
        images: usize,
    },
    /// A distractor is a reference, too.
    #[error("{} is a reference: a distractor has no match", path_text(.path))]
    DistractorIsReference {
        /// File of the distractor.
        path: PathBuf,
    },
    /// A picture that should be unrelated to a collection is an entry of it.
    #[error("{} is the entry {id} of the collection: an unrelated picture has none", path_text(.path))]
    UnrelatedIsEntry {
        /// File of the picture.
        path: PathBuf,
        /// Id of the entry.
        id: i64,
    },
    /// An image has no live entry in a collection.
    #[error("has no entry in {collection}: release or add it first")]
    NoEntry {
        /// Path of the collection.
        collection: String,
    },
    /// A copy cannot be looked up.
    #[error("edit `{edit}`: {reason}")]
    Lookup {
        /// Text form of the edit.
        edit: String,
        /// The cause.
        reason: String,
    },
    /// The collection cannot be read.
    #[error(transparent)]
    Collection(#[from] collection::Error),
    /// Pictures cannot be looked up.
    #[error(transparent)]
    Find(#[from] find::Error),
    /// Two references have one id in the tables of ISC2021.
    #[error("{} and {} are both the reference {id}: rename one", .images[0], .images[1])]
    AmbiguousReference {
        /// Id of the reference.
        id: String,
        /// Names of the images.
        images: [String; 2],
    },
    /// Two images have the id of one query.
    #[error("{} and {} are both the query {id}: rename one", .images[0], .images[1])]
    AmbiguousQuery {
        /// Id of the query.
        id: String,
        /// Names of the images.
        images: [String; 2],
    },
    /// The ground truth names a reference that does not exist.
    #[error("the reference {name} is neither an entry of the index nor an image")]
    UnknownReference {
        /// Name of the reference.
        name: String,
    },
    /// The ground truth names a query without an image.
    #[error("the query {id} is none of the images")]
    UnknownQuery {
        /// Id of the query.
        id: String,
    },
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
