//! Arguments of `find`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;

use super::{Conditions, Reading};

/// Examples of `find --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index find suspect.jpg --collection shop
  active-index find downloads/ --collection shop -k 1 --nprobe 16 --where licence=CC0
  find downloads -newer seen -print0 | active-index find - --collection shop
  active-index find queries.npy --collection shop --json";

/// Arguments of `find`.
#[derive(Debug, Args)]
pub struct Find {
    /// Images and folders of images, - for a list of both on stdin, or one .npy file of descriptors
    #[arg(required = true, value_name = "IMAGE|DIR|-|FILE.npy")]
    pub inputs: Vec<PathBuf>,
    /// Collection to look them up in
    #[arg(long, value_name = "C")]
    pub collection: PathBuf,
    /// Largest number of matches of each query
    #[arg(short, default_value = "10")]
    pub k: NonZeroUsize,
    /// Cells to visit for each query [default: the number in the collection's quantiser, see `collection info`]
    #[arg(long, value_name = "N")]
    pub nprobe: Option<NonZeroUsize>,
    #[command(flatten)]
    pub conditions: Conditions,
    #[command(flatten)]
    pub reading: Reading,
}
