//! The command line as typed. What it resolves to is decided in `commands`.

mod advise;
mod eval;
mod index;
mod optimisation;
mod reading;
mod stopping;

use std::{num::NonZeroUsize, ops::RangeInclusive, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::advise::Advise;
pub use self::eval::{Editing, EvalCopyDetection, EvalRetrieval, EvalVerb};
pub use self::index::{IndexAdd, IndexMerge, IndexRemove, IndexTrain, IndexVerb};
pub use self::optimisation::{GradientPrecision, Optimisation};
pub use self::reading::Reading;
use ::describe::BatchRequest;
use ::evaluation::Edit;
use extractor::Precision;
use image_file::Encoding;

/// Makes images findable before they are released, and finds their edited copies.
#[derive(Debug, Parser)]
#[command(name = "active-index", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Args)]
pub struct Globals {
    /// Where to compute: auto, cpu, wgpu, wgpu:N, cuda or cuda:N; see `active-index devices`
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// A model of weights/manifest.toml, or a weights file: safetensors, PyTorch, TorchScript, ONNX
    #[arg(long, global = true, value_name = "NAME|FILE")]
    pub weights: Option<String>,
    /// What convolutions of descriptors multiply; fewer bits are for GPUs
    #[arg(long, global = true, value_enum, default_value_t = DescriptorPrecision::Single, value_name = "PRECISION")]
    pub descriptor_precision: DescriptorPrecision,
    /// Threads to compute with, at most and by default one a core
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// One JSON document on stdout instead of a table
    #[arg(long, global = true)]
    pub json: bool,
    /// Say on stderr what is used and how long it takes
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Sums of matrix units are in single precision throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DescriptorPrecision {
    /// Numbers of 32 bits, on every device
    Single,
    /// Of 11 bits of mantissa: NVIDIA's GPUs through CUDA
    Tf32,
    /// Of 16 bits, 8 of mantissa: most GPUs through CUDA, and processors that have AVX-512 with it
    Bf16,
    /// Of 16 bits, 11 of mantissa: most GPUs
    F16,
}

impl From<DescriptorPrecision> for Precision {
    fn from(name: DescriptorPrecision) -> Self {
        match name {
            DescriptorPrecision::Single => Self::Single,
            DescriptorPrecision::Tf32 => Self::Tf32,
            DescriptorPrecision::Bf16 => Self::Bf16,
            DescriptorPrecision::F16 => Self::F16,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Activate images for an index; without images, the bundled samples, and show what it gains
    #[command(
        after_help = "Examples:\n  active-index activate\n  active-index activate photos/ --index db.faiss --out released/\n  active-index activate photos/ --index ours.faiss --index theirs.faiss --out released/\n  active-index activate a.jpg --index db.faiss --min-psnr 42 --report report.html"
    )]
    Activate(Activate),
    /// What to expect of activation for an index, from a few photographs
    #[command(
        after_help = "Examples:\n  active-index advise --images photos/ --index db.faiss\n  active-index advise --images photos/ --index db.faiss --sample 24 --nprobe 4,16 --strength 2"
    )]
    Advise(Advise),
    /// Descriptors of images, as a .npy file
    #[command(after_help = "Example:\n  active-index describe photos/ --out photos.npy")]
    Describe(Describe),
    /// Train, fill, change and inspect an index
    #[command(
        subcommand,
        after_help = "Example:\n  active-index index train --factory IVF4096,PQ8x8 --input train.npy --out db.faiss\n  active-index index add --index db.faiss --input photos.npy --names photos.names.tsv\n  active-index index info db.faiss"
    )]
    Index(IndexVerb),
    /// Nearest entries of an index
    #[command(
        after_help = "Examples:\n  active-index search suspect.jpg --index db.faiss -k 5\n  active-index search queries.npy --index db.faiss --radius 0.4 --nprobe 8 --out found.npz"
    )]
    Search(Search),
    /// Measure how many edited copies are found
    #[command(
        subcommand,
        after_help = "Example:\n  active-index eval retrieval --images photos/ --index db.faiss --released released/ --report report.html"
    )]
    Eval(EvalVerb),
    /// One edit of the evaluation, for looking at it
    #[command(after_help = format!(
        "Edits: {}\n\nExample:\n  active-index transform rotation=25 photo.jpg --out rotated.png",
        Edit::known().join(", ")
    ))]
    Transform(TransformArgs),
    /// What --device can be here, and why not
    #[command(after_help = "Example:\n  active-index devices --json")]
    Devices,
    /// Completions for a shell
    #[command(after_help = "Example:\n  active-index completions bash > /etc/bash_completion.d/active-index")]
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub struct Activate {
    /// Images, and folders of images
    #[arg(value_name = "IMAGE|DIR")]
    pub inputs: Vec<PathBuf>,
    /// Index to activate for; named several times, images are activated for all of them, and figures are those of the
    /// first [default: the bundled one]
    #[arg(long, value_name = "FILE")]
    pub index: Vec<PathBuf>,
    /// Folder for the released images
    #[arg(long, default_value = "activated", value_name = "DIR")]
    pub out: PathBuf,
    /// File format of the released images
    #[arg(long, value_enum, default_value = "png")]
    pub format: Format,
    /// Quality of JPEG and lossy WebP files, 1 to 100
    #[arg(long, default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100), value_name = "Q")]
    pub quality: u8,
    /// Lossy WebP files, of --quality
    #[arg(long)]
    pub lossy: bool,
    /// Store the colour of JPEG files once for four pixels: smaller files, less of the activation
    #[arg(long)]
    pub subsample_chroma: bool,
    /// Images that go through the network together; auto: 1 on the CPU, on a GPU as many as fit
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub batch: BatchRequest,
    /// Skip images whose released file is there already
    #[arg(long)]
    pub resume: bool,
    /// Also write a page with the pictures and figures
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lossless, of 16 bits where the original has them
    Png,
    /// Lossy, without transparency
    Jpeg,
    /// Lossless, or with --lossy not
    Webp,
}

impl Activate {
    /// How released images are written.
    pub fn encoding(&self) -> Encoding {
        match self.format {
            Format::Png => Encoding::Png,
            Format::Webp if self.lossy => Encoding::LossyWebP { quality: self.quality },
            Format::Webp => Encoding::WebP,
            Format::Jpeg => Encoding::Jpeg { quality: self.quality, full_chroma: !self.subsample_chroma },
        }
    }
}

#[derive(Debug, Args)]
pub struct Describe {
    /// Images, and folders of images
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pub inputs: Vec<PathBuf>,
    /// Descriptors, float32 [n, d]; paths go to FILE.names.tsv
    #[arg(long, value_name = "FILE.npy")]
    pub out: PathBuf,
    /// Edge of the network's input, in pixels [default: the weights' own, 288 for SSCD]
    #[arg(long, value_parser = clap::value_parser!(u16).range(32..=2048))]
    pub size: Option<u16>,
    /// How images are brought to that size [default: the weights' own, stretch]
    #[arg(long, value_enum)]
    pub resize: Option<ResizeMode>,
    /// Images that go through the network together; auto: 8 on the CPU, on a GPU as many as fit
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub batch: BatchRequest,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResizeMode {
    /// Both edges become the size
    Stretch,
    /// The short edge becomes the size
    ShortEdge,
}

#[derive(Debug, Args)]
pub struct Search {
    /// Images, folders of images, or one .npy file of descriptors
    #[arg(required = true, value_name = "IMAGE|DIR|FILE.npy")]
    pub inputs: Vec<PathBuf>,
    /// The index
    #[arg(long, value_name = "FILE.faiss")]
    pub index: PathBuf,
    /// Entries to show for each query
    #[arg(short, default_value = "10")]
    pub k: NonZeroUsize,
    /// Show all entries nearer than this instead: squared L2 distance below it, inner product above it
    #[arg(long, value_name = "R", allow_negative_numbers = true, conflicts_with = "k")]
    pub radius: Option<f32>,
    /// Cells to visit for each query
    #[arg(long, default_value = "1", value_name = "N")]
    pub nprobe: NonZeroUsize,
    /// Also write arrays D [n, k] and I [n, k]; with --radius lims [n + 1], D and I as faiss has them
    #[arg(long, value_name = "FILE.npz")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
}

fn within<T: FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, String> {
    let value = text.parse().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("expected a number from {} to {}", range.start(), range.end()))
}

#[derive(Debug, Args)]
pub struct TransformArgs {
    /// The edit, such as rotation=25, jpeg=50 or meme
    #[arg(value_name = "NAME[=PARAM]")]
    pub transform: Edit,
    /// The image
    pub image: PathBuf,
    /// The edited image; the ending says the format
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Seed of random edits
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub reading: Reading,
}
