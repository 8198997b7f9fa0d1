//! Arguments of the verbs below `eval`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use evaluation::{EditSet, retrieval};

use super::{
    Address, Optimisation, Reading, Sharding,
    find::{LookupBounds, e_value},
    range::within,
};

/// Examples of `eval --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index eval retrieval --images photos/ --index db.faiss --released released/ --report report.html
  active-index eval copy-detection --images photos/ --distractors others/ --index db.faiss --released released/";

/// Examples of `eval retrieval --help`.
const RETRIEVAL: &str = "\
Examples:
  active-index eval retrieval --images photos/ --index db.faiss --released released/
  active-index eval retrieval --images photos/ --index db.faiss --activate --sample 32 --nprobe 1,4,16 --report report.html
  active-index eval retrieval --images photos/ --index db.faiss --transforms jpeg=50,crop=0.5 --synthetic 500000 --fit train.npy
  active-index eval retrieval --images photos/ --index db.faiss --released released/ --cells 1,4 --nprobe 1,4
  active-index eval retrieval --images photos/ --index db.faiss --released released/ --transforms hard --looks 1,4,8

Ctrl-C ends the evaluation with a report of the finished images; a second Ctrl-C ends it at once.
Run it again with --resume FILE to continue from there.";

/// Examples of `eval copy-detection --help`.
const COPY_DETECTION: &str = "\
Examples:
  active-index eval copy-detection --images photos/ --distractors others/ --index db.faiss --released released/ --report report.html
  active-index eval copy-detection --images references/ --queries queries/ --ground-truth groundtruth.csv --index db.faiss --normalise-by train.npy
  active-index eval copy-detection --predictions predictions.csv --ground-truth groundtruth.csv

The second is DISC21 as downloaded: queries and references are named by their files, without the extension.";

/// Examples of `eval find --help`.
const FIND: &str = "\
Examples:
  active-index eval find --images photos/ --released released/ --collection shop --unrelated others/ --report report.html
  active-index eval find --images photos/ --collection shop --unrelated others/ --transforms hard --effort high
  active-index eval find --images photos/ --collection shop --unrelated others/ --resume known.state --csv lookups.csv

Images are in the collection if their files were released or added. Unrelated images must not be.
Ctrl-C ends the evaluation with a report of the finished images; run it again with --resume FILE to continue from there.";

/// A verb below `eval` and its arguments.
#[derive(Debug, Subcommand)]
pub enum EvalVerb {
    /// Measure R@1, R@10, R@100 and mAP for each edit, for originals and released images
    #[command(after_help = RETRIEVAL)]
    Retrieval(EvalRetrieval),
    /// Measure micro average precision and recall at precision 0.9, with queries that have no match
    #[command(after_help = COPY_DETECTION)]
    CopyDetection(EvalCopyDetection),
    /// Measure how many edited copies `find` confirms in a collection, and how often it is wrong
    #[command(after_help = FIND)]
    Find(EvalFind),
}

/// Arguments of `eval retrieval`.
#[derive(Debug, Args)]
pub struct EvalRetrieval {
    /// Folders of originals, or - for a list of files on stdin; those that the index does not name are added to it in memory
    #[arg(long, value_name = "DIR|-", required = true, num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// Index to evaluate
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Descriptors to add to the index in memory, float32 [n, d]; may be repeated
    #[arg(long, value_name = "FILE.npy")]
    pub distractors: Vec<PathBuf>,
    /// Number of synthetic descriptors to add to the index in memory, drawn from a Gaussian fitted to --fit
    #[arg(long, value_name = "N", requires = "fit", value_parser = synthetic)]
    pub synthetic: Option<usize>,
    /// Real descriptors to fit the Gaussian of --synthetic to, float32 [n, d]
    #[arg(long, value_name = "FILE.npy", requires = "synthetic")]
    pub fit: Option<PathBuf>,
    /// Cells to visit for each query; one table for each number
    #[arg(long, default_value = "1", value_name = "N,...", value_delimiter = ',')]
    pub nprobe: Vec<NonZeroUsize>,
    /// Number of nearest cells to store each added original in (IVF): copies in any of them are found, at the bytes of one
    /// entry per cell; one table for each number
    #[arg(long, default_value = "1", value_name = "R,...", value_delimiter = ',')]
    pub cells: Vec<NonZeroUsize>,
    /// Looks at each copy: the largest number of views of it that are searched, each entry at its least distance; one table for
    /// each number
    #[arg(long, default_value = "1", value_name = "N,...", value_delimiter = ',')]
    pub looks: Vec<NonZeroUsize>,
    /// Codes that copies of released images are searched against; copies of originals are always searched against the
    /// codes of the originals
    #[arg(long, value_enum, default_value_t = Stored::Originals)]
    pub stored: Stored,
    /// Also write one row per query; the summary goes to FILE.summary.csv
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    #[command(flatten)]
    pub editing: Editing,
}

/// Codes that copies of released images are searched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stored {
    /// Codes of the originals, as in an existing index
    Originals,
    /// Codes of the released images, as in an index filled after activation with --choose-cell
    Released,
}

impl From<Stored> for retrieval::Stored {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Originals => Self::Originals,
            Stored::Released => Self::Released,
        }
    }
}

/// Arguments of `eval copy-detection`.
#[derive(Debug, Args)]
pub struct EvalCopyDetection {
    /// Folders of references, or - for a list of files on stdin; those that the index does not name are added to it in memory
    #[arg(long, value_name = "DIR|-", required_unless_present = "predictions", num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// Folders of images without a match, or - for a list of files on stdin; their edits are queries too
    #[arg(long, value_name = "DIR|-", num_args = 1.., required_unless_present_any = ["queries", "predictions"])]
    pub distractors: Vec<PathBuf>,
    /// Index to evaluate
    #[arg(long, value_name = "FILE.faiss", required_unless_present = "predictions")]
    pub index: Option<PathBuf>,
    /// Folders of query images, or - for a list of files on stdin, searched as they are instead of edited; --ground-truth
    /// names their matches
    #[arg(long, value_name = "DIR|-", num_args = 1.., requires = "ground_truth", conflicts_with_all = ["distractors", "released", "activate", "sample", "transforms"])]
    pub queries: Vec<PathBuf>,
    /// Matches, in the layout of ISC2021: query_id,reference_id
    #[arg(long, value_name = "FILE.csv")]
    pub ground_truth: Option<PathBuf>,
    /// Predictions to evaluate instead of searching: query_id,reference_id,score
    #[arg(long, value_name = "FILE.csv", requires = "ground_truth", conflicts_with_all = ["images", "distractors", "index", "queries", "released", "activate", "isc_out", "normalise_by"])]
    pub predictions: Option<PathBuf>,
    /// Folder to also write groundtruth.csv and predictions*.csv to, in the layout of ISC2021
    #[arg(long, value_name = "DIR")]
    pub isc_out: Option<PathBuf>,
    /// Descriptors of unrelated images to normalise the scores by, float32 [n, d]
    #[arg(long, value_name = "FILE.npy")]
    pub normalise_by: Option<PathBuf>,
    /// Number of entries scored for each query
    #[arg(short, default_value = "10")]
    pub k: NonZeroUsize,
    /// Cells to visit for each query
    #[arg(long, default_value = "1", value_name = "N")]
    pub nprobe: NonZeroUsize,
    #[command(flatten)]
    pub editing: Editing,
}

/// Arguments of `eval find`.
#[derive(Debug, Clone, Args)]
pub struct EvalFind {
    /// Folders of images of the collection, or - for a list of files on stdin; their edits are looked up
    #[arg(long, value_name = "DIR|-", required = true, num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// Folder of the released images, which have the names of --images; their edits are looked up instead
    #[arg(long, value_name = "DIR")]
    pub released: Option<PathBuf>,
    /// Collection that is evaluated
    #[arg(long, value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Folders of images that are not in the collection, or - for a list of files on stdin; their edits are looked up too
    #[arg(long, value_name = "DIR|-", num_args = 1..)]
    pub unrelated: Vec<PathBuf>,
    /// Relatives, which are neither right nor wrong (query_id,reference_id): an image by its file without the ending, and an entry
    /// by its name or id
    #[arg(long, value_name = "FILE.csv")]
    pub related: Option<PathBuf>,
    /// Number of --images to evaluate, drawn at random by --seed [default: all]
    #[arg(long, value_name = "N")]
    pub sample: Option<NonZeroUsize>,
    /// Edits: paper, full, hard, or a list such as rotation=25,jpeg=50
    #[arg(long, default_value = "hard", value_name = "paper|full|hard|LIST", alias = "edits")]
    pub transforms: EditSet,
    #[command(flatten)]
    pub bounds: LookupBounds,
    /// Largest E-value of a match: number of unrelated entries expected to look as much alike
    #[arg(long, default_value = "0.001", value_name = "E", value_parser = e_value)]
    pub max_e: f64,
    /// Number of bootstrap resamples for the 95 % intervals
    #[arg(long, default_value = "1000", value_name = "N", value_parser = resamples)]
    pub resamples: usize,
    /// Random seed of the sample, the edits and the resamples
    #[arg(long, default_value = "0", value_name = "N")]
    pub seed: u64,
    /// Also write one row per lookup and entry found
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// File that keeps descriptors of views between runs; those it already holds are not computed again
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Also write an HTML page with pictures, plots and settings
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub sharding: Sharding,
    #[command(flatten)]
    pub reading: Reading,
}

/// Arguments of `eval retrieval` and `eval copy-detection`: originals, released images, edits.
#[derive(Debug, Args)]
pub struct Editing {
    /// Folder of the released images, which have the names of the originals
    #[arg(long, value_name = "DIR")]
    pub released: Option<PathBuf>,
    /// Activate the originals first, into the folder of --released [default: activated]
    #[arg(long)]
    pub activate: bool,
    /// Number of originals to evaluate, drawn at random by --seed [default: all]
    #[arg(long, value_name = "N")]
    pub sample: Option<NonZeroUsize>,
    /// Edits: paper, full, hard, or a list such as rotation=25,jpeg=50; means exclude the screenshot
    #[arg(long, default_value = "paper", value_name = "paper|full|hard|LIST")]
    pub transforms: EditSet,
    /// Number of bootstrap resamples for the 95 % intervals
    #[arg(long, default_value = "1000", value_name = "N", value_parser = resamples)]
    pub resamples: usize,
    /// File that keeps descriptors between runs; descriptors it already holds are not computed again
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Also write an HTML page with pictures, plots and settings
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}

/// Parses a number of synthetic entries. The index holds them in memory, at 8 bytes or more each.
fn synthetic(text: &str) -> Result<usize, String> {
    within(text, 1..=1_000_000_000)
}

/// Parses a number of bootstrap resamples.
fn resamples(text: &str) -> Result<usize, String> {
    within(text, 1..=100_000)
}
