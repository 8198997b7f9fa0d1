//! Arguments of the verbs below `collection`, and of `withdraw` and `restore`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{ArgGroup, Args, Subcommand, ValueEnum, ValueHint};
use collection::State;
use describe::BatchRequest;
use shard::Shard;
use witness::Kind;

use super::{Address, Conditions, LookupBounds, Reading, RecordedSharding};

/// Examples of `collection --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index collection create shop
  active-index collection add photos/ --collection shop
  active-index collection info shop
  active-index collection check shop
  active-index collection import shop --collection s3://bucket/shop.lance

C is a folder, or the address of a collection in an object store: s3://, gs:// or az://, in a program that
was built with `--features lance`.";

/// Examples of `collection create --help`.
const CREATE: &str = "\
A program that was built with `--features lance` also creates Lance collections, which many machines change
at a time: at an address in an object store, s3://, gs:// or az://, and in a folder whose name ends in .lance.

Examples:
  active-index collection create shop
  active-index collection create shop --quantiser trained.faiss --witness none
  active-index collection create s3://bucket/shop.lance";

/// Examples of `collection index --help`.
const INDEX: &str = "\
Lookups compare entries that are in no segment one by one. Entries become segments in the background as they
come; after many have come at once, this verb makes them at once.

A Lance collection is indexed by N machines at a time, each with its shard of the entries: the machine that
makes the last shard puts all into use. Each names the shards that are not made yet when it ends; run again
only those that the last one names. A shard that runs after the end begins another run, which waits for all N
shards. What was stored after the first machine has begun is left to the next run.

Examples:
  active-index collection index shop
  active-index collection index s3://bucket/shop.lance --shard 3/16";

/// Examples of `collection calibrate --help`.
const CALIBRATE: &str = "\
The best background is a few hundred pictures of the kind that will be looked up, none of which is in the
collection. It is kept with the collection: without one, the laws are fitted again to the background kept, as
`release` and `collection add` do when the collection has doubled. If none is kept, entries of the collection
are compared with the others, and those that look alike for a reason, such as pictures of one series, are cut
off.

Examples:
  active-index collection calibrate shop other-photos/
  active-index collection calibrate shop background.npy
  active-index collection calibrate shop";

/// Examples of `collection import --help`.
const IMPORT: &str = "\
Without a collection at --collection, one is created with the quantiser of what is imported. Run it again
after an interruption, or when there is more: it takes over what is missing.

Of a collection, everything is taken over: entries with ids, states, times, fields, codes, descriptors and
witnesses, reviews, and the calibration if --collection has none. Entries that are there already stay as they
are, known by their originals, or by id and name; those that were withdrawn since are withdrawn. Both
collections need the same quantiser.

Of an index, row i of the descriptors belongs to the i-th smallest id, or to the id i if the index has fewer
entries than there are rows; --ids names the ids of other rows.

Ids are kept where no entry has them yet.

Examples:
  active-index collection import shop --collection s3://bucket/shop.lance
  active-index collection import s3://bucket/shop.lance --collection shop
  active-index collection import db.faiss --descriptors db.npy --collection shop
  active-index collection import db.faiss --descriptors db.npy --names db.names.tsv --collection shop";

/// Examples of `withdraw --help`.
pub const WITHDRAW: &str = "\
An entry is named by its id or its name. If one of the names is unknown, or several entries have it,
nothing is withdrawn. `collection compact` drops withdrawn entries for good.

Examples:
  active-index withdraw a.jpg --collection shop
  active-index withdraw 3 17 --collection shop";

/// Examples of `restore --help`.
pub const RESTORE: &str = "\
An entry is named by its id or its name. If one of the names is unknown, or several entries have it,
nothing is restored.

Examples:
  active-index restore a.jpg --collection shop";

/// A verb below `collection` and its arguments.
#[derive(Debug, Subcommand)]
pub enum CollectionVerb {
    /// Create an empty collection in a new folder or an object store
    #[command(after_help = CREATE)]
    Create(CollectionCreate),
    /// Remember images that are public already, as they are
    #[command(
        after_help = "Run it again after an interruption: images that are there already are known by the bytes of their files.\n\nExamples:\n  active-index collection add photos/ --collection shop\n  active-index collection add photos/ --collection shop --meta fields.csv --meta licence=CC0\n  active-index collection add photos.npy --collection shop --names photos.names.tsv"
    )]
    Add(CollectionAdd),
    /// List entries
    #[command(
        after_help = "Examples:\n  active-index collection list shop\n  active-index collection list shop --where licence=CC0 --state withdrawn"
    )]
    List(CollectionList),
    /// Show the kind of a collection, its numbers of entries and its size
    #[command(
        after_help = "Examples:\n  active-index collection info shop\n  active-index collection info shop --json"
    )]
    Info {
        /// Collection to show
        #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
        collection: Address,
    },
    /// Read everything, and compare it with its hashes and counts
    #[command(
        after_help = "Prints one line for each damage, and ends with exit code 1 if there is any.\n\nExamples:\n  active-index collection check shop"
    )]
    Check {
        /// Collection to check
        #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
        collection: Address,
    },
    /// Make segments of the entries that are in none, on one machine or on many
    #[command(after_help = INDEX)]
    Index(CollectionIndex),
    /// Merge all segments into one, and drop withdrawn entries for good
    #[command(
        after_help = "Others read and write meanwhile.\n\nExamples:\n  active-index collection compact shop"
    )]
    Compact {
        /// Collection to compact
        #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
        collection: Address,
    },
    /// Fit the E-values of `find` to a collection
    #[command(after_help = CALIBRATE)]
    Calibrate(CollectionCalibrate),
    /// Write all live entries as one faiss index with names, or a table of all entries
    #[command(
        after_help = "Names and the record of the extractor go to FILE.faiss.names.tsv and FILE.faiss.extractor.json.\n\nExamples:\n  active-index collection export shop --out db.faiss\n  active-index collection export shop --entries entries.csv"
    )]
    Export(CollectionExport),
    /// Take over another collection, or an index of `index add` or faiss with the descriptors of its entries
    #[command(after_help = IMPORT)]
    Import(CollectionImport),
}

/// Arguments of `collection create`.
#[derive(Debug, Args)]
pub struct CollectionCreate {
    /// New folder of the collection, or its address in an object store
    #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
    pub address: Address,
    /// Trained index whose cells and codebook the collection has for its life, of a kind such as IVF4096,PQ8x8; its entries are
    /// not taken over [default: the bundled index]
    #[arg(long, value_name = "FILE.faiss")]
    pub quantiser: Option<PathBuf>,
    /// Data kept of each image to confirm matches by, and to show where on a query it is
    #[arg(long, value_enum, default_value_t)]
    pub witness: WitnessKind,
}

/// Kind of the witnesses of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum WitnessKind {
    /// Keypoints and a small grey picture
    #[default]
    Keypoints,
    /// A picture of at most 384 pixels
    Thumbnails,
    /// Nothing; matches rest on descriptors alone
    None,
}

impl From<WitnessKind> for Kind {
    fn from(kind: WitnessKind) -> Self {
        match kind {
            WitnessKind::Keypoints => Self::Keypoints,
            WitnessKind::Thumbnails => Self::Thumbnails,
            WitnessKind::None => Self::None,
        }
    }
}

/// Arguments of `collection add`.
#[derive(Debug, Args)]
pub struct CollectionAdd {
    /// Images and folders of images, lists of both (- on stdin, @FILE in a file), or one .npy file of descriptors, float32 [n, d]
    #[arg(required = true, value_name = "IMAGE|DIR|-|@FILE|FILE.npy")]
    pub inputs: Vec<PathBuf>,
    /// Collection to add to
    #[arg(long, value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Fields to keep with the entries: key=value for all of them, or a CSV file with headings, whose column `file` or `name`, or
    /// else the first one, names the image; may be repeated
    #[arg(long, value_name = "FILE.csv|KEY=VALUE")]
    pub meta: Vec<String>,
    /// Names of the rows of FILE.npy (row, path) [default: FILE.names.tsv, if there is one]
    #[arg(long, value_name = "FILE.tsv")]
    pub names: Option<PathBuf>,
    /// Images described together; auto: 8 on the CPU, as many as fit on a GPU
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub batch: BatchRequest,
    #[command(flatten)]
    pub recorded: RecordedSharding,
    #[command(flatten)]
    pub reading: Reading,
}

/// Arguments of `collection index`.
#[derive(Debug, Args)]
pub struct CollectionIndex {
    /// Collection to index
    #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Index the I-th of N shards of the entries, numbered from 0 to N-1; 0/1 is all entries [default: the task of a Slurm array,
    /// or of an indexed Kubernetes job of ACTIVE_INDEX_SHARDS tasks]
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}

/// Arguments of `collection list`.
#[derive(Debug, Args)]
pub struct CollectionList {
    /// Collection to list
    #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    #[command(flatten)]
    pub conditions: Conditions,
    /// Only entries of this state [default: all]
    #[arg(long, value_enum)]
    pub state: Option<EntryState>,
    /// Only entries with ids behind this one
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub after: Option<i64>,
    /// Largest number of entries [default: all]
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroUsize>,
}

/// State of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EntryState {
    /// Found by searches
    Live,
    /// Not found, until they are restored
    Withdrawn,
    /// Withdrawn, and dropped by a compaction
    Dropped,
}

impl From<EntryState> for State {
    fn from(state: EntryState) -> Self {
        match state {
            EntryState::Live => Self::Live,
            EntryState::Withdrawn => Self::Withdrawn,
            EntryState::Dropped => Self::Dropped,
        }
    }
}

/// Arguments of `collection calibrate`.
#[derive(Debug, Args)]
pub struct CollectionCalibrate {
    /// Collection to calibrate
    #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Background that has no match in the collection: images and folders of images, - for a list of both on stdin, or one .npy
    /// file of descriptors [default: the background kept, or entries of the collection]
    #[arg(value_name = "BACKGROUND")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub bounds: LookupBounds,
    /// Take at most N of the collection's entries for a background, whatever is kept [default: 1000, if none is kept]
    #[arg(long, value_name = "N", conflicts_with = "inputs")]
    pub entries: Option<NonZeroUsize>,
    /// Seed of the choice of entries
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub reading: Reading,
}

/// Arguments of `collection export`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("outputs").args(["out", "entries"]).required(true).multiple(true)))]
pub struct CollectionExport {
    /// Collection to export
    #[arg(value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Output file of the index of all live entries
    #[arg(long, value_name = "FILE.faiss")]
    pub out: Option<PathBuf>,
    /// Output file of a table of all entries
    #[arg(long, value_name = "FILE.csv")]
    pub entries: Option<PathBuf>,
    /// Replace an existing index that holds entries
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `collection import`.
#[derive(Debug, Args)]
pub struct CollectionImport {
    /// Collection whose entries are taken over, or, with --descriptors, an index
    #[arg(value_name = "C|FILE.faiss", value_hint = ValueHint::AnyPath)]
    pub from: Address,
    /// Descriptors of the index's entries, float32 [n, d]
    #[arg(long, value_name = "FILE.npy")]
    pub descriptors: Option<PathBuf>,
    /// Names of the index's entries (id, path) [default: FILE.faiss.names.tsv, if there is one]
    #[arg(long, value_name = "FILE.tsv", requires = "descriptors")]
    pub names: Option<PathBuf>,
    /// Ids of the descriptors, int64 [n]
    #[arg(long, value_name = "FILE.npy", requires = "descriptors")]
    pub ids: Option<PathBuf>,
    /// Collection to add to; created if it is not there
    #[arg(long, value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
}

/// Arguments of `withdraw` and `restore`.
#[derive(Debug, Args)]
pub struct NamedEntries {
    /// Ids or names of entries
    #[arg(required = true, value_name = "ID|NAME")]
    pub entries: Vec<String>,
    /// Collection of the entries
    #[arg(long, value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
}
