use burn::tensor::Tensor;
use index::{Aim, Index, Target};

use crate::{Error, Result, objective::Objective, pixels::Depth, stop::Stop};

/// How images are activated. The default is what finds the most copies at the least change, [`Settings::paper`] the
/// original method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Optimisation steps, at most; each is a forward and a backward pass of the network for each view.
    pub iterations: usize,
    /// When an image needs no more of them.
    pub stop: Stop,
    /// What descriptors are to do.
    pub objective: Objective,
    /// What is done to the pixels for it.
    pub optimizer: Optimizer,
    /// What the descriptor moves towards, where the objective is what the index stores.
    pub target: Target,
    /// Cells of the index that an image's copies may fall into: as many as its owner stores it in.
    pub cells: usize,
    /// Views of the original that choose its cells: those that most of them fall into, for an index that will store the
    /// released image. 0 for the nearest ones, which an index has that stores the original.
    pub choice: usize,
    /// Cells that searches visit: a copy is found where a cell of its original is among as many nearest ones.
    pub nprobe: usize,
    /// Fixes all that is random, for each image alike.
    pub seed: u64,
    /// What the released images are rounded to.
    pub depth: Depth,
}

/// How the pixels change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// The paper's: `S * H * tanh(delta)` with the JND map `H` (section 3.3), by Adam.
    Adam(Masked),
    /// Steepest descent under a budget of squared change: `H^2` times the gradient, as much as the budget allows.
    Steepest(Budget),
}

/// The paper's parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Masked {
    /// Amplitude of the perturbation, in units of the JND map in normalised space.
    pub strength: f64,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Weight of the descriptor's term in the objective.
    pub lambda_f: f64,
    /// Weight of the image's term, the mean squared change in the extractor's normalised space.
    pub lambda_i: f64,
}

impl Default for Masked {
    /// The paper's.
    fn default() -> Self {
        Self { strength: 3.0, learning_rate: 1.0, lambda_f: 1.0, lambda_i: 0.01 }
    }
}

/// How much an image may change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Least peak signal-to-noise ratio of the released pixels, in dB.
    pub psnr: f64,
    /// Largest change of a value, in units of the JND map.
    pub jnd: f64,
    /// The same, in pixels of [0, 1].
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
            optimizer: Optimizer::Steepest(Budget::default()),
            target: Target::Reconstruction,
            cells: 1,
            choice: 0,
            nprobe: 1,
            seed: 0,
            depth: Depth::Eight,
        }
    }
}

impl Settings {
    /// The paper's: Adam towards the reconstruction of the image's code.
    pub fn paper() -> Self {
        let (objective, optimizer) = (Objective::Reconstruction, Optimizer::Adam(Masked::default()));
        Self { objective, optimizer, ..Self::default() }
    }

    /// Weights of the descriptor's and the image's term of the objective.
    pub(crate) fn weights(&self) -> [f64; 2] {
        match self.optimizer {
            Optimizer::Adam(Masked { lambda_f, lambda_i, .. }) => [lambda_f, lambda_i],
            Optimizer::Steepest(_) => [1.0, 0.0],
        }
    }

    /// What is differentiated at each step: views, or the image alone.
    pub(crate) fn views(&self) -> usize {
        match self.objective {
            Objective::Robust { views } => views,
            _ => 0,
        }
    }

    /// Whether cells of an index are the goal, and not what it stores.
    pub(crate) fn aims_at_cells(&self, index: &Index) -> bool {
        match self.objective {
            Objective::Reconstruction => false,
            Objective::CellMargin => true,
            Objective::Robust { .. } => index.nlist().is_some(),
        }
    }

    /// What descriptors are to come near to in an index.
    pub(crate) fn aim(&self, index: &Index, descriptors: Tensor<2>) -> Result<Aim> {
        let target = if index.is_lossless() { Target::Centroid } else { self.target };
        Ok(index.target(descriptors, target)?)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let optimizer = match self.optimizer {
            Optimizer::Adam(Masked { strength, learning_rate, lambda_f, lambda_i }) => vec![
                ("strength", strength),
                ("learning_rate", learning_rate),
                ("lambda_f", lambda_f),
                ("lambda_i", lambda_i),
            ],
            Optimizer::Steepest(Budget { psnr, jnd, linf }) => {
                vec![("psnr", psnr), ("jnd", jnd), ("linf", linf)]
            }
        };
        let mut amounts = optimizer.into_iter().chain([self.stop.amount()]);
        let refuse = |name, value, expected| Err(Error::Setting { name, value, expected });
        if let Some((name, value)) = amounts.find(|(_, value)| !value.is_finite() || *value < 0.0) {
            return refuse(name, value, "a finite number of at least 0");
        }
        match self {
            Self { cells: 0, .. } => refuse("cells", 0.0, "at least 1"),
            Self { nprobe: 0, .. } => refuse("nprobe", 0.0, "at least 1"),
            Self { choice: 1.., objective: Objective::Reconstruction, .. } => refuse(
                "choice",
                self.choice as f64,
                "0 with the objective reconstruction, which aims at no cell",
            ),
            Self { objective: Objective::Robust { views: 0 }, .. } => refuse("views", 0.0, "at least 1"),
            _ => Ok(()),
        }
    }
}
