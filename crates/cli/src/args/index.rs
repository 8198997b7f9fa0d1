//! Arguments of the verbs below `index`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use index::{Factory, Metric};

use super::IdSpan;

/// Examples of `index --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index index train --factory IVF4096,PQ8x8 --input train.npy --out db.faiss
  active-index index add --index db.faiss --input photos.npy --names photos.names.tsv
  active-index index info db.faiss";

/// Notation of `--factory` and examples, for `index train --help`.
const FACTORY_HELP: &str = "\
Kinds of index, in the notation of faiss's index_factory: parts in this order, separated by commas.
  transforms, any number  OPQ{m}  OPQ{m}_{d}  PCA{d}  PCAR{d}  RR{d}  L2norm
  cells, optional         IVF{nlist}  IVF{nlist}_HNSW{links}
  graph instead, optional HNSW{links}    before Flat, SQ8 and its like, or PQ
  codes                   Flat           uncompressed vectors, 4 bytes per dimension
                          SQ8            one byte per dimension; SQ6 and SQ4: 6 and 4 bits
                          SQfp16         floats of 2 bytes; SQbf16: the same with fewer digits
                          PQ{m}x{nbits}  m codes of 4 to 12 bits; PQ{m} is PQ{m}x8
                          PQ{m}x4fs      4-bit codes in a layout for SIMD, with IVF only
                          PQ{m}x4fsr     the same, of residuals
                          RaBitQ         one bit per dimension and 8 bytes; put RR{d} before it
                          PQ{m}+{r}      with IVF only: r codes of what m codes leave re-rank the results
                          LSH{nbits}     signs; append r for random projections, t for thresholds
  re-ranking, optional    RFlat          keeps the vectors too, and re-ranks the results by them
                          Refine(SQ8)    the same with any of the codes above but LSH and 4fs
  map of ids, optional    IDMap, IDMap2  before or behind all else, or between transforms:
                                         entries keep the ids they are given
m must divide the dimension of the encoded vectors; d is the output dimension of a transform.
Training needs at least as many vectors as cells, and as codewords (2^nbits) of a PQ; use 39 times
as many or more.

Examples:
  active-index index train --factory IVF4096,PQ8x8 --input train.npy --out db.faiss
  active-index index train --factory OPQ8_64,IVF1024,PQ8x8 --input train.npy --out db.faiss
  active-index index train --factory IVF1024,PQ64x4fs,RFlat --input train.npy --out db.faiss
  active-index index train --factory LSH256r --input t.npy --out db.faiss --train-size 10000";

/// A verb below `index` and its arguments.
#[derive(Debug, Subcommand)]
pub enum IndexVerb {
    /// Train an empty index
    #[command(after_help = FACTORY_HELP)]
    Train(IndexTrain),
    /// Add vectors to an index
    #[command(
        after_help = "Examples:\n  active-index index add --index db.faiss --input photos.npy --names photos.names.tsv\n  active-index index add --index db.faiss --input photos.npy --ids ids.npy --cells 4"
    )]
    Add(IndexAdd),
    /// Remove entries from an index
    #[command(
        after_help = "Without IVF or IDMap, ids are positions: entries behind a removed one move up, and their names with them.\nAn index that re-ranks over IVF does not support removal. The exit code is 1 if an id has no entry.\n\nExamples:\n  active-index index remove --index db.faiss --ids 3,17,100..200\n  active-index index remove --index db.faiss --ids-file withdrawn.npy"
    )]
    Remove(IndexRemove),
    /// Append the entries of other indexes with the same quantisers
    #[command(
        after_help = "All indexes must come from one trained index. The ids of the others are shifted to follow the\nexisting ones, unless --keep-ids is given; an id that exists already keeps its name.\n\nExamples:\n  active-index index merge --index db.faiss part2.faiss part3.faiss\n  active-index index merge --index part1.faiss part2.faiss --keep-ids --out all.faiss"
    )]
    Merge(IndexMerge),
    /// Show the kind of an index, its size and how its entries are spread over cells
    #[command(
        after_help = "Examples:\n  active-index index info db.faiss\n  active-index index info db.faiss --json"
    )]
    Info {
        /// Index to show
        #[arg(value_name = "FILE.faiss")]
        index: PathBuf,
    },
}

/// Arguments of `index train`.
#[derive(Debug, Args)]
pub struct IndexTrain {
    /// Kind of index, such as Flat, IVF4096,PQ8x8 or OPQ8_64,IVF4096,PQ8x8: see below
    #[arg(long)]
    pub factory: Factory,
    /// Training vectors, float32 [n, d]
    #[arg(long, value_name = "TRAIN.npy")]
    pub input: PathBuf,
    /// Output file of the empty index
    #[arg(long, value_name = "FILE.faiss")]
    pub out: PathBuf,
    /// Replace an existing index that holds entries
    #[arg(long)]
    pub force: bool,
    /// Metric: l2, or ip for the inner product
    #[arg(long, default_value = "l2")]
    pub metric: Metric,
    /// Random seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Number of vectors to train on, drawn at random; only these are held in memory [default: all]
    #[arg(long, value_name = "N")]
    pub train_size: Option<NonZeroUsize>,
}

/// Arguments of `index add`.
#[derive(Debug, Args)]
pub struct IndexAdd {
    /// Index to add to; the file is replaced
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Vectors to add, float32 [n, d]
    #[arg(long, value_name = "DB.npy")]
    pub input: PathBuf,
    /// Names of the rows (row, path), as written by `describe`
    #[arg(long, value_name = "FILE.names.tsv")]
    pub names: Option<PathBuf>,
    /// Ids of the rows, integers [n] [default: consecutive numbers after the existing ids]
    #[arg(long, value_name = "FILE.npy")]
    pub ids: Option<PathBuf>,
    /// Number of nearest cells to store each vector in (IVF): copies in any of them are found, at the bytes of one entry
    /// per cell
    #[arg(long, default_value = "1", value_name = "R")]
    pub cells: NonZeroUsize,
}

/// Arguments of `index remove`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("entries").args(["ids", "ids_file"]).required(true).multiple(true)))]
pub struct IndexRemove {
    /// Index to remove from; the file is replaced
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Ids, separated by commas: 7, or 5..9 for 5 to 8, or 5..=9 for 5 to 9
    #[arg(long, value_name = "IDS", value_delimiter = ',', num_args = 1.., allow_negative_numbers = true)]
    pub ids: Vec<IdSpan>,
    /// File of ids, integers [n]
    #[arg(long, value_name = "FILE.npy")]
    pub ids_file: Option<PathBuf>,
}

/// Arguments of `index merge`.
#[derive(Debug, Args)]
pub struct IndexMerge {
    /// Index to append to; the file is replaced unless --out is given
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Indexes whose entries are appended; their files do not change
    #[arg(value_name = "OTHER.faiss", required = true)]
    pub others: Vec<PathBuf>,
    /// Keep all ids as they are; not possible without IVF or with RFlat or Refine, unless in IDMap: ids are positions there
    #[arg(long)]
    pub keep_ids: bool,
    /// Output file; --index does not change then
    #[arg(long, value_name = "FILE.faiss")]
    pub out: Option<PathBuf>,
}
