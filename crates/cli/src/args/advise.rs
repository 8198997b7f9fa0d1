//! Arguments of `advise`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;
use evaluation::EditSet;

use super::{Optimisation, Reading};

/// Examples of `advise --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index advise --images photos/ --index db.faiss
  active-index advise --images photos/ --index db.faiss --sample 24 --nprobe 4,16 --strength 2";

/// Default edits. Their mean is close to that of the paper's 14 edits, for originals and released images: .519 and .812
/// instead of .549 and .813 on 32 photographs.
const EDITS: &str = "contrast=2,brightness=0.5,blur=11,jpeg=50,rotation=25,crop=0.5,resize=0.5,meme";

/// Arguments of `advise`.
#[derive(Debug, Args)]
pub struct Advise {
    /// Folders of photographs like those to be released, or - for a list of files on stdin
    #[arg(long, value_name = "DIR|-", required = true, num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// Index to activate for
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Number of photographs to try, drawn at random by --seed
    #[arg(long, default_value = "8", value_name = "N")]
    pub sample: NonZeroUsize,
    /// Cells to visit for each query; the advice is for the first number
    #[arg(long, default_value = "1,4,16", value_name = "N,...", value_delimiter = ',')]
    pub nprobe: Vec<NonZeroUsize>,
    /// Edits: paper, full, hard, or a list such as rotation=25,jpeg=50
    #[arg(long, default_value = EDITS, value_name = "paper|full|hard|LIST")]
    pub transforms: EditSet,
    /// Folder to keep the released images in [default: they are deleted]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write the HTML page of `eval retrieval`
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}
