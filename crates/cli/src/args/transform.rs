//! Arguments of `transform`.

use std::path::PathBuf;

use clap::Args;
use evaluation::Edit;

use super::Reading;

/// Edits and examples of `transform --help`.
pub fn edits_and_examples() -> String {
    format!(
        "Edits: {}\n\nExamples:\n  active-index transform rotation=25 photo.jpg --out rotated.png\n  \
         active-index transform meme photo.jpg --out meme.jpg --seed 3",
        Edit::known().join(", ")
    )
}

/// Arguments of `transform`.
#[derive(Debug, Args)]
pub struct TransformArgs {
    /// Edit to apply, such as rotation=25, jpeg=50 or meme
    #[arg(value_name = "NAME[=PARAM]")]
    pub transform: Edit,
    /// Image to edit
    pub image: PathBuf,
    /// Output file; its extension sets the format
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Seed of random edits
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub reading: Reading,
}
