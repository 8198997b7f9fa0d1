//! What activation may cost and what it is to reach.

use std::num::NonZeroUsize;

use ::index::Target;
use activate::{Budget, Masked, Objective, Optimiser, Settings, Stop};
use clap::{Args, ValueEnum};
use extractor::Precision;

use super::{stopping, within};
use crate::release::Limits;

/// Least structural similarity of released images, where nothing else is asked for.
const MIN_SSIM: f64 = 0.98;
/// Views of a step of the robust objective.
const VIEWS: usize = 3;
/// Steps of `--fast`.
const FAST: usize = 2;

#[derive(Debug, Clone, Args)]
pub struct Optimisation {
    /// Optimisation steps [default: 10]
    #[arg(long, value_parser = iterations, allow_negative_numbers = true, value_name = "N")]
    pub iterations: Option<usize>,
    /// Stop earlier: safe or safe=MARGIN, deep enough in the cell; settled or settled=SHARE, the objective hardly improves
    #[arg(long, value_parser = stopping::stop, value_name = "safe|settled")]
    pub stop_when: Option<Stop>,
    /// What descriptors are to do [default: robust; with --target, reconstruction]
    #[arg(long, value_enum)]
    pub objective: Option<ObjectiveName>,
    /// How pixels change [default: steepest; with --strength, adam]
    #[arg(long, value_enum)]
    pub optimizer: Option<OptimizerName>,
    /// Edited views of each image that a step of --objective robust looks at [default: 3]
    #[arg(long, value_parser = views, value_name = "N")]
    pub views: Option<usize>,
    /// Two steps of --objective cell-margin: a tenth of the time, and fewer copies found
    #[arg(long, conflicts_with_all = ["views", "target"])]
    pub fast: bool,
    /// Least PSNR of the released file [default: 42.5 for --optimizer steepest]
    #[arg(long, value_parser = decibels, allow_negative_numbers = true, value_name = "DB")]
    pub min_psnr: Option<f64>,
    /// Least SSIM of the released file [default: 0.98 for --optimizer steepest]
    #[arg(long, value_parser = similarity, allow_negative_numbers = true, value_name = "SSIM")]
    pub min_ssim: Option<f64>,
    /// Largest change of a value, of 255
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..), value_name = "LEVELS")]
    pub max_linf: Option<u8>,
    /// Amplitude of the paper's perturbation (--optimizer adam), in units of the just-noticeable difference [default: 3]
    #[arg(long, value_parser = strength, allow_negative_numbers = true, value_name = "S")]
    pub strength: Option<f64>,
    /// What descriptors move towards with --objective reconstruction: reconstruction or centroid
    #[arg(long)]
    pub target: Option<Target>,
    /// Cells that copies may fall into: as many as the originals are stored in, see `index add --cells`
    #[arg(long, default_value = "1", value_name = "R")]
    pub secure_cells: NonZeroUsize,
    /// Secure the cell that most of so many edited views fall into [default: 32] instead of the original's nearest, for an
    /// index that will store the released image
    #[arg(long, value_parser = views, value_name = "VIEWS", num_args = 0..=1, require_equals = true, default_missing_value = "32")]
    pub choose_cell: Option<usize>,
    /// Cells that searches will visit: an own cell has to be among as many nearest ones of a copy
    #[arg(long, default_value = "1", value_name = "N")]
    pub secure_nprobe: NonZeroUsize,
    /// Seed of all that is random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// What convolutions of gradients multiply
    #[arg(long, value_enum, default_value_t = GradientPrecision::Single)]
    pub precision: GradientPrecision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ObjectiveName {
    /// The paper's: come near to what the index stores
    Reconstruction,
    /// Lie deep in the index's cell
    CellMargin,
    /// The same for random edits of the image
    Robust,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OptimizerName {
    /// Down the steepest way that --min-psnr allows, where it is seen least
    Steepest,
    /// The paper's: Adam, a perturbation of --strength
    Adam,
}

/// Sums of matrix units are in single precision throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GradientPrecision {
    /// Numbers of 32 bits, on every device
    Single,
    /// Of 11 bits of mantissa: NVIDIA's GPUs through CUDA
    Tf32,
    /// Of 16 bits, 8 of mantissa: most GPUs through CUDA, and processors that have AVX-512 with it
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
    pub fn iterations(&self) -> usize {
        self.iterations.unwrap_or(if self.fast { FAST } else { Settings::default().iterations })
    }

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

    /// What released files have to keep. What was not asked for is left to lossless files, which can keep it.
    pub fn limits(&self, lossless: bool) -> Limits {
        let defaults = lossless && matches!(self.optimiser(), Optimiser::Steepest(_));
        Limits {
            min_psnr: self.min_psnr.or(defaults.then_some(Budget::default().psnr)),
            min_ssim: self.min_ssim.or(defaults.then_some(MIN_SSIM)),
            max_linf: self.max_linf,
        }
    }

    fn objective(&self) -> Objective {
        let default = match self.target {
            Some(_) => ObjectiveName::Reconstruction,
            None if self.fast => ObjectiveName::CellMargin,
            None => ObjectiveName::Robust,
        };
        match self.objective.unwrap_or(default) {
            ObjectiveName::Reconstruction => Objective::Reconstruction,
            ObjectiveName::CellMargin => Objective::CellMargin,
            ObjectiveName::Robust => Objective::Robust { views: self.views.unwrap_or(VIEWS) },
        }
    }

    fn optimiser(&self) -> Optimiser {
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

/// As many steps as anybody may want.
fn iterations(text: &str) -> Result<usize, String> {
    within(text, 0..=10_000)
}

/// As many views as anybody may want.
fn views(text: &str) -> Result<usize, String> {
    within(text, 1..=1_000)
}

/// An amplitude that leaves something of the image.
fn strength(text: &str) -> Result<f64, String> {
    within(text, 0.0..=1000.0)
}

/// A finite PSNR.
fn decibels(text: &str) -> Result<f64, String> {
    within(text, 0.0..=100.0)
}

/// An SSIM.
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
    }

    fn typed(words: &str) -> Optimisation {
        Line::parse_from(format!("activate {words}").split_whitespace()).optimisation
    }

    #[test]
    fn nothing_typed_is_the_default_of_the_library() {
        assert_eq!(typed("").settings(), Settings::default());
    }

    #[test]
    fn options_of_the_paper_choose_the_paper() {
        let paper = Settings::paper();
        assert_eq!(typed("--objective reconstruction --optimizer adam").settings(), paper);
        assert_eq!(typed("--strength 3 --target reconstruction").settings(), paper);
        assert_eq!(typed("--strength 3").limits(true), Limits::default());
    }

    #[test]
    fn budgets_are_of_the_file_where_it_can_keep_them() {
        let limits = typed("--min-psnr 45").limits(true);
        assert_eq!((limits.min_psnr, limits.min_ssim), (Some(45.0), Some(MIN_SSIM)));
        assert_eq!(typed("").limits(false), Limits::default());
    }
}
