//! Arguments of `search`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;

use super::Reading;

/// Examples of `search --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index search suspect.jpg --index db.faiss -k 5
  active-index search suspect.jpg --index db.faiss --looks 8
  active-index search queries.npy --index db.faiss --radius 0.4 --nprobe 8 --out found.npz";

/// Arguments of `search`.
#[derive(Debug, Args)]
pub struct Search {
    /// Images and folders of images, - for a list of both on stdin, or one .npy file of descriptors
    #[arg(required = true, value_name = "IMAGE|DIR|-|FILE.npy")]
    pub inputs: Vec<PathBuf>,
    /// Index to search
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Number of nearest entries of each query
    #[arg(short, default_value = "10")]
    pub k: NonZeroUsize,
    /// Find all entries within this radius instead of -k: squared L2 distance below R, or inner product above R
    #[arg(long, value_name = "R", allow_negative_numbers = true, conflicts_with = "k")]
    pub radius: Option<f32>,
    /// Cells to visit for each query [default: the number in the index file, see `index info`]
    #[arg(long, value_name = "N")]
    pub nprobe: Option<NonZeroUsize>,
    /// Looks at each image: the largest number of views of it that are searched, each entry at its least distance
    #[arg(long, default_value = "1", value_name = "N")]
    pub looks: NonZeroUsize,
    /// Entries that a search of an HNSW index keeps in view [default: the number in the index file, see `index
    /// info`]
    #[arg(long, value_name = "N")]
    pub ef_search: Option<NonZeroUsize>,
    /// Also write arrays D [n, k] and I [n, k]; with --radius, lims [n + 1], D and I as faiss does
    #[arg(long, value_name = "FILE.npz")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
}
