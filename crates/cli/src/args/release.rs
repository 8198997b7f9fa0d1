//! Arguments of `release`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use describe::BatchRequest;

use super::{Address, Optimisation, Reading, RecordedSharding, activate::Encoded};

/// Examples of `release --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index release photos/ --collection shop --out released/
  active-index release photos/ --collection shop --out released/ --meta licences.csv --meta year=2026
  active-index release a.jpg --collection shop --out released/ --min-psnr 45 --report report.html
  active-index release @originals.txt --collection shop --out released/ --shard 3/16";

/// Arguments of `release`.
#[derive(Debug, Args)]
pub struct Release {
    /// Images, folders of images, or lists of them: - on stdin, @FILE in a file; those that the collection knows are left out
    #[arg(required = true, value_name = "IMAGE|DIR|-|@FILE")]
    pub inputs: Vec<PathBuf>,
    /// Collection that remembers the images, made by `collection create`
    #[arg(long, value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Folder of the released images; in an object store (s3://bucket/folder), what is there already is not replaced
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Fields kept with each entry: key=value for all, or a table with a column of file names; repeat the option for more
    #[arg(long, value_name = "FILE.csv|KEY=VALUE")]
    pub meta: Vec<String>,
    #[command(flatten)]
    pub encoded: Encoded,
    /// Images activated together; auto: 1 on the CPU, as many as fit on a GPU
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub batch: BatchRequest,
    /// Also write an HTML page with pictures and figures
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub recorded: RecordedSharding,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}
