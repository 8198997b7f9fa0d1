use index::Target;

use crate::{Error, Result, objective::Objective, pixels::Depth, stop::Stop};

/// How images are activated. The default is the paper's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Optimisation steps, at most; each is a forward and a backward pass of the network.
    pub iterations: usize,
    /// When an image needs no more of them.
    pub stop: Stop,
    /// Amplitude of the perturbation, in units of the JND map in normalised space.
    pub strength: f64,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Weights of the terms of the loss.
    pub objective: Objective,
    /// What the descriptor moves towards.
    pub target: Target,
    /// Fixes the start of the optimisation, for each image alike.
    pub seed: u64,
    /// What the released images are rounded to.
    pub depth: Depth,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            iterations: 10,
            stop: Stop::Never,
            strength: 3.0,
            learning_rate: 1.0,
            objective: Objective::default(),
            target: Target::Reconstruction,
            seed: 0,
            depth: Depth::Eight,
        }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<()> {
        let amounts = [
            ("strength", self.strength),
            ("learning_rate", self.learning_rate),
            ("lambda_f", self.objective.lambda_f),
            ("lambda_i", self.objective.lambda_i),
            self.stop.amount(),
        ];
        let wrong = amounts.into_iter().find(|(_, value)| !value.is_finite() || *value < 0.0);
        let refuse =
            |(name, value)| Err(Error::Setting { name, value, expected: "a finite number of at least 0" });
        wrong.map_or(Ok(()), refuse)
    }
}
