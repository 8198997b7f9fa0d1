//! Settings of activation.

use burn::tensor::Tensor;
use index::{Index, Target, Targets};

use crate::{Error, Result, objective::Objective, pixels::Depth, stop::Stop};

/// Settings of activation. The default finds the most copies for the least change; [`Settings::paper`] is the original
/// method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Largest number of optimisation steps. Each is a forward and a backward pass of the network for every view.
    pub iterations: usize,
    /// Condition for ending an image's optimisation early.
    pub stop: Stop,
    /// Loss of the descriptors.
    pub objective: Objective,
    /// Parametrisation of the pixels, and the rule that updates it.
    pub optimiser: Optimiser,
    /// Target of the descriptor, if the objective is the reconstruction.
    pub target: Target,
    /// Number of own cells of an image: its copies may fall into any of them. Equals the number of cells that the
    /// index stores the image in.
    pub cells: usize,
    /// Number of edited views of the original that choose its own cells: the cells most of them fall into. Meant for
    /// an index that will store the released image. 0 takes the original's nearest cells, for an index that stores
    /// the original.
    pub cell_views: usize,
    /// Number of cells that searches visit. A copy counts as found if one of its original's cells is among as many
    /// nearest ones.
    pub nprobe: usize,
    /// Seed of all random numbers; each image draws the same ones.
    pub seed: u64,
    /// Depth that the released images are rounded to.
    pub depth: Depth,
}

/// Parametrisation of the pixels, and the rule that updates it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// The paper's: Adam on the `delta` of the change `S * H * tanh(delta)`, with the JND map `H` (section 3.3).
    Adam(Masked),
    /// Steepest descent under a budget of squared change: steps along `H^2` times the gradient, scaled to the budget.
    Steepest(Budget),
}

/// Parameters of the paper's method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Masked {
    /// Amplitude of the perturbation, in units of the JND map in the extractor's normalised space.
    pub strength: f64,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Weight of the descriptor term in the objective.
    pub lambda_f: f64,
    /// Weight of the image term, the mean squared change in the extractor's normalised space.
    pub lambda_i: f64,
}

impl Default for Masked {
    /// The paper's values: 3, 1, 1 and 0.01.
    fn default() -> Self {
        Self { strength: 3.0, learning_rate: 1.0, lambda_f: 1.0, lambda_i: 0.01 }
    }
}

/// Limits on the change of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Least peak signal-to-noise ratio of the released pixels, in dB.
    pub psnr: f64,
    /// Largest change of a value, in units of the JND map.
    pub jnd: f64,
    /// Largest change of a value, in pixels of [0, 1].
    pub linf: f64,
}

impl Default for Budget {
    /// 42.5 dB and 4 JND.
    fn default() -> Self {
        Self { psnr: 42.5, jnd: 4.0, linf: 1.0 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            iterations: 10,
            stop: Stop::Never,
            objective: Objective::Robust { views: 3 },
            optimiser: Optimiser::Steepest(Budget::default()),
            target: Target::Reconstruction,
            cells: 1,
            cell_views: 0,
            nprobe: 1,
            seed: 0,
            depth: Depth::Eight,
        }
    }
}

impl Settings {
    /// Settings of the paper: Adam towards the reconstruction of the image's code.
    pub fn paper() -> Self {
        let (objective, optimiser) = (Objective::Reconstruction, Optimiser::Adam(Masked::default()));
        Self { objective, optimiser, ..Self::default() }
    }

    /// Weights of the descriptor term and the image term.
    pub(crate) fn weights(&self) -> [f64; 2] {
        match self.optimiser {
            Optimiser::Adam(Masked { lambda_f, lambda_i, .. }) => [lambda_f, lambda_i],
            Optimiser::Steepest(_) => [1.0, 0.0],
        }
    }

    /// Number of edited views of each step; 0 if a step describes the image itself.
    pub(crate) fn views(&self) -> usize {
        match self.objective {
            Objective::Robust { views } => views,
            _ => 0,
        }
    }

    /// Returns true if the objective in this index is the depth in a cell rather than the distance to a target.
    pub(crate) fn aims_at_cells(&self, index: &Index) -> bool {
        match self.objective {
            Objective::Reconstruction => false,
            Objective::CellMargin => true,
            Objective::Unedited | Objective::Robust { .. } => index.nlist().is_some(),
        }
    }

    /// Targets of descriptors `[n, d]` in an index.
    pub(crate) fn targets(&self, index: &Index, descriptors: Tensor<2>) -> Result<Targets> {
        let target = if index.is_lossless() { Target::Centroid } else { self.target };
        Ok(index.target(descriptors, target)?)
    }

    /// Checks the range of every setting.
    pub(crate) fn check(&self) -> Result<()> {
        let optimiser = match self.optimiser {
            Optimiser::Adam(Masked { strength, learning_rate, lambda_f, lambda_i }) => vec![
                ("strength", strength),
                ("learning_rate", learning_rate),
                ("lambda_f", lambda_f),
                ("lambda_i", lambda_i),
            ],
            Optimiser::Steepest(Budget { psnr, jnd, linf }) => {
                vec![("psnr", psnr), ("jnd", jnd), ("linf", linf)]
            }
        };
        let mut amounts = optimiser.into_iter().chain([self.stop.amount()]);
        let refuse = |name, value, expected| Err(Error::Setting { name, value, expected });
        if let Some((name, value)) = amounts.find(|(_, value)| !value.is_finite() || *value < 0.0) {
            return refuse(name, value, "a finite number of at least 0");
        }
        match self {
            Self { cells: 0, .. } => refuse("cells", 0.0, "at least 1"),
            Self { nprobe: 0, .. } => refuse("nprobe", 0.0, "at least 1"),
            Self { cell_views: 1.., objective: Objective::Reconstruction, .. } => refuse(
                "cell_views",
                self.cell_views as f64,
                "0 for the objective reconstruction, which does not aim at cells",
            ),
            Self { objective: Objective::Robust { views: 0 }, .. } => refuse("views", 0.0, "at least 1"),
            _ => Ok(()),
        }
    }
}
