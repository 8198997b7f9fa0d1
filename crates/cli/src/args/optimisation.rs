//! Arguments of the optimisation: its goal and the quality it must keep.

use std::num::NonZeroUsize;

use activate::{Budget, Masked, Objective, Optimiser, Settings, Stop};
use clap::{Args, ValueEnum};
use describe::BatchRequest;
use extractor::Precision;
use image_file::Encoding;
use index::Target;
use release::{Options, QualityLimits};

use super::{Reading, range::within, stop_rule};

/// Default number of views per step of the robust objective.
const VIEWS: usize = 3;
/// Number of steps of `--fast`.
const FAST: usize = 2;

/// Arguments of the optimisation.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Activation")]
pub struct Optimisation {
    /// Number of optimisation steps [default: 10; 2 with --fast]
    #[arg(long, value_parser = iterations, allow_negative_numbers = true, value_name = "N")]
    pub iterations: Option<usize>,
    /// Stop an image early: safe[=MARGIN] once it is deep enough in its cell, settled[=SHARE] once the objective hardly
    /// improves
    #[arg(long, value_parser = stop_rule::stop, value_name = "safe|settled")]
    pub stop_when: Option<Stop>,
    /// Goal of the optimisation [default: robust; reconstruction with --target; with --fast cell-margin, or reconstruction in an
    /// index without cells]
    #[arg(long, value_enum)]
    pub objective: Option<ObjectiveName>,
    /// Method that changes the pixels [default: steepest; adam with --strength]
    #[arg(long, value_enum)]
    pub optimizer: Option<OptimizerName>,
    /// Number of edited views of each image per step of --objective robust [default: 3]
    #[arg(long, value_parser = views, value_name = "N")]
    pub views: Option<usize>,
    /// Take two steps of --objective cell-margin, or of reconstruction in an index without cells: a tenth of the time, fewer
    /// copies found
    #[arg(long, conflicts_with_all = ["views", "target"])]
    pub fast: bool,
    /// Minimum PSNR of the released file [default: 42.5 with --optimizer steepest]
    #[arg(long, value_parser = decibels, allow_negative_numbers = true, value_name = "DB")]
    pub min_psnr: Option<f64>,
    /// Minimum SSIM of the released file [default: 0.98 with --optimizer steepest]
    #[arg(long, value_parser = similarity, allow_negative_numbers = true, value_name = "SSIM")]
    pub min_ssim: Option<f64>,
    /// Maximum change of a pixel value, in levels of 255
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..), value_name = "LEVELS")]
    pub max_linf: Option<u8>,
    /// Amplitude of the paper's perturbation (--optimizer adam), in units of the just-noticeable difference [default: 3]
    #[arg(long, value_parser = strength, allow_negative_numbers = true, value_name = "S")]
    pub strength: Option<f64>,
    /// Target of --objective reconstruction: the reconstruction of the image's code, or the centroid of its cell [default:
    /// reconstruction] [possible values: reconstruction, centroid]
    #[arg(long)]
    pub target: Option<Target>,
    /// Number of nearest cells of the original that copies may fall into; use that of `index add --cells`
    #[arg(long, default_value = "1", value_name = "R")]
    pub secure_cells: NonZeroUsize,
    /// Choose the cell that most edited views fall into, of VIEWS views [default: 32], instead of the original's nearest
    /// cell; for an index that will store the released image
    #[arg(long, value_parser = views, value_name = "VIEWS", num_args = 0..=1, require_equals = true, default_missing_value = "32")]
    pub choose_cell: Option<usize>,
    /// Number of cells that searches will visit: the image's cell must be among the N nearest to each copy
    #[arg(long, default_value = "1", value_name = "N")]
    pub secure_nprobe: NonZeroUsize,
    /// Random seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Precision of the gradient convolutions
    #[arg(long, value_enum, default_value_t = GradientPrecision::Single)]
    pub precision: GradientPrecision,
}

/// Goal of the optimisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ObjectiveName {
    /// Move the descriptor towards what the index stores (the paper's objective)
    Reconstruction,
    /// Move the descriptor deep into its cell
    CellMargin,
    /// Move the descriptors of random edits deep into the cell
    Robust,
}

/// Method of the optimisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OptimizerName {
    /// Steepest descent within --min-psnr, concentrated where changes are least visible
    Steepest,
    /// Adam on a perturbation of amplitude --strength (the paper's method)
    Adam,
}

/// Precision of the factors of the gradient convolutions; matrix units accumulate in single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GradientPrecision {
    /// 32-bit floats, on every device
    Single,
    /// TF32, 11 bits of mantissa: NVIDIA GPUs through CUDA
    Tf32,
    /// bfloat16, 8 bits of mantissa: most GPUs through CUDA, and CPUs with AVX-512 BF16
    Bf16,
}

impl From<GradientPrecision> for Precision {
    fn from(name: GradientPrecision) -> Self {
        match name {
            GradientPrecision::Single => Self::Single,
            GradientPrecision::Tf32 => Self::Tf32,
            GradientPrecision::Bf16 => Self::Bf16,
        }
    }
}

impl Optimisation {
    /// Returns the number of steps.
    pub fn iterations(&self) -> usize {
        self.iterations.unwrap_or(if self.fast { FAST } else { Settings::default().iterations })
    }

    /// Returns the settings of the library.
    pub fn settings(&self) -> Settings {
        Settings {
            iterations: self.iterations(),
            stop: self.stop_when.unwrap_or_default(),
            objective: self.objective(),
            optimiser: self.optimiser(),
            target: self.target.unwrap_or_default(),
            cells: self.secure_cells.get(),
            cell_views: self.choose_cell.unwrap_or(0),
            nprobe: self.secure_nprobe.get(),
            seed: self.seed,
            ..Settings::default()
        }
    }

    /// Returns the options of a release, whose limits are the standard ones where none is typed.
    pub fn release_options(&self, encoding: Encoding, batch: BatchRequest, reading: &Reading) -> Options {
        let options = Options::new(self.settings(), encoding);
        let limits = QualityLimits {
            min_psnr: self.min_psnr.or(options.limits.min_psnr),
            min_ssim: self.min_ssim.or(options.limits.min_ssim),
            max_linf: self.max_linf,
        };
        Options { limits, batch, reader: reading.into(), ..options }
    }

    fn objective(&self) -> Objective {
        match self.objective {
            Some(ObjectiveName::Reconstruction) => Objective::Reconstruction,
            Some(ObjectiveName::CellMargin) => Objective::CellMargin,
            None if self.target.is_some() => Objective::Reconstruction,
            None if self.fast => Objective::Unedited,
            Some(ObjectiveName::Robust) | None => Objective::Robust { views: self.views.unwrap_or(VIEWS) },
        }
    }

    /// Returns the method and its settings.
    pub fn optimiser(&self) -> Optimiser {
        let default = match self.strength {
            Some(_) => OptimizerName::Adam,
            None => OptimizerName::Steepest,
        };
        match self.optimizer.unwrap_or(default) {
            OptimizerName::Adam => {
                let masked = Masked::default();
                Optimiser::Adam(Masked { strength: self.strength.unwrap_or(masked.strength), ..masked })
            }
            OptimizerName::Steepest => {
                let budget = Budget::default();
                let linf = self.max_linf.map_or(budget.linf, |levels| f64::from(levels) / 255.0);
                Optimiser::Steepest(Budget { psnr: self.min_psnr.unwrap_or(budget.psnr), linf, ..budget })
            }
        }
    }
}

/// Parses a number of steps.
fn iterations(text: &str) -> Result<usize, String> {
    within(text, 0..=10_000)
}

/// Parses a number of views.
fn views(text: &str) -> Result<usize, String> {
    within(text, 1..=1_000)
}

/// Parses an amplitude.
fn strength(text: &str) -> Result<f64, String> {
    within(text, 0.0..=1000.0)
}

/// Parses a finite PSNR.
fn decibels(text: &str) -> Result<f64, String> {
    within(text, 0.0..=100.0)
}

/// Parses an SSIM.
fn similarity(text: &str) -> Result<f64, String> {
    within(text, 0.0..=1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        optimisation: Optimisation,
        #[command(flatten)]
        reading: Reading,
    }

    fn line(words: &str) -> Line {
        Line::parse_from(format!("activate {words}").split_whitespace())
    }

    fn typed(words: &str) -> Optimisation {
        line(words).optimisation
    }

    fn limits(words: &str, encoding: Encoding) -> QualityLimits {
        let Line { optimisation, reading } = line(words);
        optimisation.release_options(encoding, BatchRequest::Auto, &reading).limits
    }

    #[test]
    fn default_limits_apply_to_lossless_files_of_steepest_descent() {
        let kept =
            |min_psnr| QualityLimits { min_psnr: Some(min_psnr), min_ssim: Some(0.98), max_linf: None };
        assert_eq!(limits("", Encoding::Png), kept(42.5));
        assert_eq!(limits("--min-psnr 45", Encoding::WebP), kept(45.0));
        assert_eq!(limits("--strength 3", Encoding::Png), QualityLimits::default());
        let jpeg = Encoding::Jpeg { quality: 95, full_chroma: true };
        assert_eq!(limits("", jpeg), QualityLimits::default());
        let typed = QualityLimits { min_psnr: Some(45.0), min_ssim: None, max_linf: Some(9) };
        assert_eq!(limits("--min-psnr 45 --max-linf 9", jpeg), typed);
    }

    #[test]
    fn no_arguments_give_the_defaults_of_the_library() {
        assert_eq!(typed("").settings(), Settings::default());
    }

    /// Two steps towards what the index has, cells or codes, whatever kind it is.
    #[test]
    fn fast_leaves_the_goal_to_the_index() {
        let two = Settings { iterations: FAST, ..Settings::default() };
        assert_eq!(typed("--fast").settings(), Settings { objective: Objective::Unedited, ..two });
        let named = typed("--fast --objective reconstruction --iterations 3").settings();
        assert_eq!(named, Settings { objective: Objective::Reconstruction, iterations: 3, ..two });
    }

    #[test]
    fn options_of_the_paper_choose_the_paper() {
        let paper = Settings::paper();
        assert_eq!(typed("--objective reconstruction --optimizer adam").settings(), paper);
        assert_eq!(typed("--strength 3 --target reconstruction").settings(), paper);
    }
}
