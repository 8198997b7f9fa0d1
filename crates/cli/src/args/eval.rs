//! What is measured, on what, and where it goes.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use evaluation::{EditSet, retrieval};

use super::{Optimisation, Reading, within};

#[derive(Debug, Subcommand)]
pub enum EvalVerb {
    /// R@1, R@10, R@100 and mAP for each edit, of originals and released images
    #[command(
        after_help = "Examples:\n  active-index eval retrieval --images photos/ --index db.faiss --released released/\n  active-index eval retrieval --images photos/ --index db.faiss --activate --sample 32 --nprobe 1,4,16 --report report.html\n  active-index eval retrieval --images photos/ --index db.faiss --transforms jpeg=50,crop=0.5 --synthetic 500000 --fit train.npy\n  active-index eval retrieval --images photos/ --index db.faiss --released released/ --cells 1,4 --nprobe 1,4\n\nCtrl-C ends it with a report of what is finished; again, at once. --resume FILE goes on from there."
    )]
    Retrieval(EvalRetrieval),
    /// Micro average precision and recall at precision 0.9, among queries of which some have no match
    #[command(
        after_help = "Examples:\n  active-index eval copy-detection --images photos/ --distractors others/ --index db.faiss --released released/ --report report.html\n  active-index eval copy-detection --images references/ --queries queries/ --ground-truth groundtruth.csv --index db.faiss --normalise-by train.npy\n  active-index eval copy-detection --predictions predictions.csv --ground-truth groundtruth.csv\n\nThe second is DISC21 as downloaded: queries and references are named by their files, without the ending."
    )]
    CopyDetection(EvalCopyDetection),
}

#[derive(Debug, Args)]
pub struct EvalRetrieval {
    /// Originals; those that the index does not name are added to it in memory
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// The index
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// More entries for the index, in memory: descriptors, float32 [n, d]
    #[arg(long, value_name = "FILE.npy")]
    pub distractors: Vec<PathBuf>,
    /// More entries for the index, in memory: this many, drawn from a Gaussian that is fitted to --fit
    #[arg(long, value_name = "N", requires = "fit", value_parser = synthetic)]
    pub synthetic: Option<usize>,
    /// Real descriptors that synthetic ones are to look like, float32 [n, d]
    #[arg(long, value_name = "FILE.npy", requires = "synthetic")]
    pub fit: Option<PathBuf>,
    /// Cells to visit for each query; several numbers for several tables
    #[arg(long, default_value = "1", value_name = "N,...", value_delimiter = ',')]
    pub nprobe: Vec<NonZeroUsize>,
    /// Store each original that is added in the lists of as many nearest cells, of an IVF index: copies that fall into
    /// one of them are found, for the bytes of an entry each; several numbers for several tables
    #[arg(long, default_value = "1", value_name = "R,...", value_delimiter = ',')]
    pub cells: Vec<NonZeroUsize>,
    /// What of released images the index stores, when their copies are searched: originals are always searched by what it
    /// stores of originals
    #[arg(long, value_enum, default_value_t = Stored::Originals)]
    pub stored: Stored,
    /// Also write one row a query; the table goes to FILE.summary.csv
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    #[command(flatten)]
    pub editing: Editing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stored {
    /// The codes of their originals: an index that is there already
    Originals,
    /// Their own: an index that is filled after activation, as --choose-cell wants
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

#[derive(Debug, Args)]
pub struct EvalCopyDetection {
    /// References; those that the index does not name are added to it in memory
    #[arg(long, value_name = "DIR", required_unless_present = "predictions", num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// Images without a match: their edits are queries too
    #[arg(long, value_name = "DIR", num_args = 1.., required_unless_present_any = ["queries", "predictions"])]
    pub distractors: Vec<PathBuf>,
    /// The index
    #[arg(long, value_name = "FILE.faiss", required_unless_present = "predictions")]
    pub index: Option<PathBuf>,
    /// Queries as they are, instead of edits: images, of which --ground-truth says what they show
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "ground_truth", conflicts_with_all = ["distractors", "released", "activate", "sample", "transforms"])]
    pub queries: Vec<PathBuf>,
    /// Matches in ISC2021's layout: query_id,reference_id
    #[arg(long, value_name = "FILE.csv")]
    pub ground_truth: Option<PathBuf>,
    /// Judge these instead of searching: query_id,reference_id,score
    #[arg(long, value_name = "FILE.csv", requires = "ground_truth", conflicts_with_all = ["images", "distractors", "index", "queries", "released", "activate", "isc_out", "normalise_by"])]
    pub predictions: Option<PathBuf>,
    /// Also write groundtruth.csv and predictions*.csv in ISC2021's layout
    #[arg(long, value_name = "DIR")]
    pub isc_out: Option<PathBuf>,
    /// Descriptors of images that no query shows, to normalise scores by: float32 [n, d]
    #[arg(long, value_name = "FILE.npy")]
    pub normalise_by: Option<PathBuf>,
    /// Entries that a query names
    #[arg(short, default_value = "10")]
    pub k: NonZeroUsize,
    /// Cells to visit for each query
    #[arg(long, default_value = "1", value_name = "N")]
    pub nprobe: NonZeroUsize,
    #[command(flatten)]
    pub editing: Editing,
}

/// What both verbs do with images.
#[derive(Debug, Args)]
pub struct Editing {
    /// Released images, under the originals' names
    #[arg(long, value_name = "DIR")]
    pub released: Option<PathBuf>,
    /// Activate the originals first, into the folder of --released [default: activated]
    #[arg(long)]
    pub activate: bool,
    /// Only this many originals, drawn by the seed [default: all]
    #[arg(long, value_name = "N")]
    pub sample: Option<NonZeroUsize>,
    /// The edits: paper, full, or a list such as rotation=25,jpeg=50; the screenshot counts in no mean
    #[arg(long, default_value = "paper", value_name = "paper|full|LIST")]
    pub transforms: EditSet,
    /// Draws of photographs that the 95 % intervals are of
    #[arg(long, default_value = "1000", value_name = "N", value_parser = resamples)]
    pub resamples: usize,
    /// Keep descriptors in this file, and take those that an earlier run has left there
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Also write a page with pictures, plots and settings
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}

/// Entries of 8 bytes and more each: the index holds them in memory.
fn synthetic(text: &str) -> Result<usize, String> {
    within(text, 1..=1_000_000_000)
}

fn resamples(text: &str) -> Result<usize, String> {
    within(text, 1..=100_000)
}
