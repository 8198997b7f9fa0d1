//! Arguments of `describe`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use describe::BatchRequest;

use super::{Reading, Sharding};

/// Examples of `describe --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index describe photos/ --out photos.npy
  find photos -newer photos.npy -print0 | active-index describe - --out new.npy
  active-index describe photos/ --weights sscd_disc_large --out photos.npy
  active-index describe @photos.txt --out photos.npy --shard 3/16      # writes photos.03-of-16.npy";

/// Arguments of `describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// Images and folders of images; - reads a list of both from stdin, @FILE one from a file, one a line or separated by NUL
    #[arg(required = true, value_name = "IMAGE|DIR|-|@FILE")]
    pub inputs: Vec<PathBuf>,
    /// Output file of the descriptors, float32 [n, d]; the paths of its rows go to FILE.names.tsv
    #[arg(long, value_name = "FILE.npy")]
    pub out: PathBuf,
    /// Edge of the network's input, in pixels [default: that of the weights, 288 for SSCD]
    #[arg(long, value_parser = clap::value_parser!(u16).range(32..=2048))]
    pub size: Option<u16>,
    /// Method of resizing images to --size [default: that of the weights, stretch for SSCD]
    #[arg(long, value_enum)]
    pub resize: Option<ResizeMode>,
    /// Images described together; auto: 8 on the CPU, as many as fit on a GPU
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub batch: BatchRequest,
    #[command(flatten)]
    pub sharding: Sharding,
    #[command(flatten)]
    pub reading: Reading,
}

/// Method of resizing images to the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResizeMode {
    /// Resize both edges to the size
    Stretch,
    /// Resize the short edge to the size, and keep the aspect ratio
    ShortEdge,
}
