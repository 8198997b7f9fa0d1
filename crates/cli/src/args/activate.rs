//! Arguments of `activate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use describe::BatchRequest;
use image_file::Encoding;

use super::{Optimisation, Reading};

/// Examples of `activate --help`.
pub const EXAMPLES: &str = "\
Examples:
  active-index activate
  active-index activate photos/ --index db.faiss --out released/
  active-index activate photos/ --index ours.faiss --index theirs.faiss --out released/
  active-index activate a.jpg --index db.faiss --min-psnr 42 --report report.html";

/// Arguments of `activate`.
#[derive(Debug, Args)]
pub struct Activate {
    /// Images and folders of images; - reads a list of both from stdin, one a line or separated by NUL [default: the bundled
    /// samples]
    #[arg(value_name = "IMAGE|DIR|-")]
    pub inputs: Vec<PathBuf>,
    /// Index to activate for; repeat the option to activate for several, of which the first is reported [default: the
    /// bundled index]
    #[arg(long, value_name = "FILE")]
    pub index: Vec<PathBuf>,
    /// Folder of the released images
    #[arg(long, default_value = "activated", value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub encoded: Encoded,
    /// Images activated together; auto: 1 on the CPU, as many as fit on a GPU
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub batch: BatchRequest,
    /// Skip images that already have a released file in --out
    #[arg(long)]
    pub resume: bool,
    /// Also write an HTML page with pictures and figures
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}

/// Encoding of released images.
#[derive(Debug, Args)]
pub struct Encoded {
    /// File format of the released images
    #[arg(long, value_enum, default_value = "png")]
    pub format: Format,
    /// Quality of JPEG and lossy WebP files, 1 to 100
    #[arg(long, default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100), value_name = "Q")]
    pub quality: u8,
    /// Write lossy WebP files, at --quality
    #[arg(long)]
    pub lossy: bool,
    /// Subsample the colour of JPEG files (4:2:0): smaller files, which keep less of the activation
    #[arg(long)]
    pub subsample_chroma: bool,
}

/// File format of released images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lossless; 16 bits per channel where the original has them
    Png,
    /// Lossy, without transparency
    Jpeg,
    /// Lossless, unless --lossy is given
    Webp,
}

impl Encoded {
    /// Returns the encoding of the released files.
    pub fn encoding(&self) -> Encoding {
        match self.format {
            Format::Png => Encoding::Png,
            Format::Webp if self.lossy => Encoding::LossyWebP { quality: self.quality },
            Format::Webp => Encoding::WebP,
            Format::Jpeg => Encoding::Jpeg { quality: self.quality, full_chroma: !self.subsample_chroma },
        }
    }
}
