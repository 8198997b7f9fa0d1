//! The verbs below `index`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use index::{Factory, Metric};

use crate::ids::IdSpan;

/// What `index train --help` ends with.
const FACTORY_HELP: &str = "\
Kinds of index, as faiss's index_factory names them: parts in this order, with commas between.
  transforms, any number  OPQ{m}  OPQ{m}_{d}  PCA{d}  PCAR{d}  RR{d}  L2norm
  cells, optional         IVF{nlist}  IVF{nlist}_HNSW{links}
  codes                   Flat           the vectors themselves, 4 bytes a dimension
                          SQ8            one byte a dimension
                          PQ{m}x{nbits}  m numbers of 4 to 12 bits; PQ{m} is PQ{m}x8
                          PQ{m}x4fs      4-bit numbers laid out for SIMD, behind IVF only
                          PQ{m}x4fsr     the same of residuals
                          LSH{nbits}     signs; then r: random projections, t: thresholds
  re-ranking, optional    RFlat          keeps the vectors too, ranks what was found by them
m must divide the dimension of the vectors as they reach the codes, d is what a transform makes it.
Training needs as many vectors as there are cells, and as codewords (2^nbits) of a PQ; 39 times as
many are better.

Examples:
  active-index index train --factory IVF4096,PQ8x8 --input train.npy --out db.faiss
  active-index index train --factory OPQ8_64,IVF1024,PQ8x8 --input train.npy --out db.faiss
  active-index index train --factory IVF1024,PQ64x4fs,RFlat --input train.npy --out db.faiss
  active-index index train --factory LSH256r --input t.npy --out db.faiss --train-size 10000";

#[derive(Debug, Subcommand)]
pub enum IndexVerb {
    /// Train an empty index
    #[command(after_help = FACTORY_HELP)]
    Train(IndexTrain),
    /// Add vectors to an index
    #[command(
        after_help = "Example:\n  active-index index add --index db.faiss --input photos.npy --names photos.names.tsv"
    )]
    Add(IndexAdd),
    /// Remove entries from an index
    #[command(
        after_help = "Where ids are positions (no IVF), entries behind a removed one move up, their names with them.\nAn RFlat index over IVF cannot lose entries. Exit code 1 where an id is in no entry.\n\nExamples:\n  active-index index remove --index db.faiss --ids 3,17,100..200\n  active-index index remove --index db.faiss --ids-file withdrawn.npy"
    )]
    Remove(IndexRemove),
    /// Put the entries of other indexes with the same quantisers behind those of one
    #[command(
        after_help = "All must have grown from one trained index. Ids of the others are raised so that they follow\nthose that are there, unless --keep-ids; an id that is there already keeps its name.\n\nExamples:\n  active-index index merge --index db.faiss part2.faiss part3.faiss\n  active-index index merge --index part1.faiss part2.faiss --keep-ids --out all.faiss"
    )]
    Merge(IndexMerge),
    /// What an index holds
    #[command(after_help = "Example:\n  active-index index info db.faiss --json")]
    Info {
        /// The index
        #[arg(value_name = "FILE.faiss")]
        index: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct IndexTrain {
    /// Kind of index, such as Flat, IVF4096,PQ8x8 or OPQ8_64,IVF4096,PQ8x8: see below
    #[arg(long)]
    pub factory: Factory,
    /// Vectors to train on, float32 [n, d]
    #[arg(long, value_name = "TRAIN.npy")]
    pub input: PathBuf,
    /// The empty index
    #[arg(long, value_name = "FILE.faiss")]
    pub out: PathBuf,
    /// Metric: l2 or ip
    #[arg(long, default_value = "l2")]
    pub metric: Metric,
    /// Seed of all that is random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Train on this many of the vectors, drawn at random; no more than these are held in memory [default:
    /// all]
    #[arg(long, value_name = "N")]
    pub train_size: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub struct IndexAdd {
    /// The index, rewritten whole
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Vectors to add, float32 [n, d], read a block at a time
    #[arg(long, value_name = "DB.npy")]
    pub input: PathBuf,
    /// Names of the rows (row, path), as `describe` writes them
    #[arg(long, value_name = "FILE.names.tsv")]
    pub names: Option<PathBuf>,
    /// Ids of the rows, int64, one a row [default: counted on from what is there]
    #[arg(long, value_name = "FILE.npy")]
    pub ids: Option<PathBuf>,
    /// Store each vector in the lists of as many nearest cells, of an IVF index: copies that fall into one of them are
    /// found, for the bytes of an entry each
    #[arg(long, default_value = "1", value_name = "R")]
    pub cells: NonZeroUsize,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("entries").args(["ids", "ids_file"]).required(true).multiple(true)))]
pub struct IndexRemove {
    /// The index, rewritten whole
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Ids, with commas between: 7, or 5..9 for 5 to 8, or 5..=9 for 5 to 9
    #[arg(long, value_name = "IDS", value_delimiter = ',', num_args = 1.., allow_negative_numbers = true)]
    pub ids: Vec<IdSpan>,
    /// Ids in a file, int64 `[n]`
    #[arg(long, value_name = "FILE.npy")]
    pub ids_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct IndexMerge {
    /// The index that the entries go to, rewritten whole unless --out
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Indexes whose entries are added; they stay as they are
    #[arg(value_name = "OTHER.faiss", required = true)]
    pub others: Vec<PathBuf>,
    /// Leave all ids as they are; not without IVF or with RFlat, where ids are positions
    #[arg(long)]
    pub keep_ids: bool,
    /// Write the result here, and leave --index as it is
    #[arg(long, value_name = "FILE.faiss")]
    pub out: Option<PathBuf>,
}
