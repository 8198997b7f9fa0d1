//! What may be expected of an index before anything is released.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;
use evaluation::EditSet;

use super::{Optimisation, Reading};

/// A mean of these is near that of the paper's 14, for originals and released images: .519 and .812 for .549 and .813 on
/// 32 photographs.
const EDITS: &str = "contrast=2,brightness=0.5,blur=11,jpeg=50,rotation=25,crop=0.5,resize=0.5,meme";

#[derive(Debug, Args)]
pub struct Advise {
    /// Photographs like those that are to be released
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// The index
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Photographs that are tried, drawn by the seed
    #[arg(long, default_value = "8", value_name = "N")]
    pub sample: NonZeroUsize,
    /// Cells to visit for each query; advice is for the first of the numbers
    #[arg(long, default_value = "1,4,16", value_name = "N,...", value_delimiter = ',')]
    pub nprobe: Vec<NonZeroUsize>,
    /// The edits: paper, full, or a list such as rotation=25,jpeg=50
    #[arg(long, default_value = EDITS, value_name = "paper|full|LIST")]
    pub transforms: EditSet,
    /// Keep the released images in this folder [default: nothing is kept]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write the page of `eval retrieval`
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}
