use burn::tensor::Tensor;
use index::{Aim, Index, Target};

use crate::{
    DescriptorNetwork, Error, Result,
    adam::Adam,
    descent::Descent,
    network::{describe, describe_prepared},
    objective::{Objective, Step, cosine, loss_f},
    perturbation::Perturbation,
    pixels::{Depth, check_shape, round_to},
};

/// How images are activated. The default is the paper's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Optimisation steps; each is a forward and a backward pass of the network.
    pub iterations: usize,
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
    fn check(&self) -> Result<()> {
        let amounts = [
            ("strength", self.strength),
            ("learning_rate", self.learning_rate),
            ("lambda_f", self.objective.lambda_f),
            ("lambda_i", self.objective.lambda_i),
        ];
        let wrong = amounts.into_iter().find(|(_, value)| !value.is_finite() || *value < 0.0);
        let refuse =
            |(name, value)| Err(Error::Setting { name, value, expected: "a finite number of at least 0" });
        wrong.map_or(Ok(()), refuse)
    }
}

/// Where a descriptor is in the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Nearest cell of the coarse quantiser, where the index has one.
    pub cell: Option<i64>,
    /// Cosine to the target's point.
    pub cosine: f32,
    /// Squared L2 distance to the target's point.
    pub distance: f32,
    /// How many hyperplanes it is on the wrong side of, where the index's codes tell sides (`LSH`).
    pub wrong_bits: Option<usize>,
}

/// A released image and what activation did for it.
#[derive(Debug, Clone)]
pub struct Activated {
    /// The image to release, `[1, 3, h, w]` in [0, 1], rounded to the levels of [`Settings::depth`].
    pub pixels: Tensor<4>,
    /// What the descriptor was moved towards, of one row.
    pub target: Aim,
    /// The original's descriptor.
    pub before: Position,
    /// The released image's descriptor, of its rounded pixels.
    pub after: Position,
    /// The objective before each step.
    pub steps: Vec<Step>,
}

/// One finished step of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub iteration: usize,
    /// Steps to do.
    pub iterations: usize,
}

/// Activates images for one index.
#[derive(Debug, Clone)]
pub struct Activator<'a, E> {
    extractor: &'a E,
    index: &'a Index,
    settings: Settings,
}

impl<'a, E: DescriptorNetwork> Activator<'a, E> {
    /// An activator of images for `index`, described by `extractor`.
    ///
    /// # Errors
    /// If the two disagree on the dimension, a setting is out of range, or the target is the reconstruction of
    /// codes that are the vectors themselves: there is nothing to approach.
    pub fn new(extractor: &'a E, index: &'a Index, settings: Settings) -> Result<Self> {
        settings.check()?;
        let (found, expected) = (extractor.dimension(), index.d());
        if found != expected {
            return Err(Error::Dimension { index: expected, descriptor: found });
        }
        if settings.target == Target::Reconstruction && index.is_lossless() {
            return Err(Error::NothingToApproach { factory: index.factory().to_string() });
        }
        Ok(Self { extractor, index, settings })
    }

    /// Activates a batch: one pass of the network a step for all of them, each image as if it were alone.
    ///
    /// # Shapes
    /// Each image is `[1, 3, h, w]` in [0, 1], of its own size.
    ///
    /// # Errors
    /// If an image has another shape, or the index refuses its descriptor (not finite).
    pub fn activate(
        &self,
        images: &[Tensor<4>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Activated>> {
        images.iter().try_for_each(check_shape)?;
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let before = describe(self.extractor, images.to_vec());
        let targets = self.index.target(before.clone(), self.settings.target)?;
        let (changed, steps) = self.optimise(images, &targets, None, progress)?;
        let released: Vec<_> =
            changed.into_iter().map(|pixels| round_to(pixels, self.settings.depth)).collect();
        let after = describe(self.extractor, released.clone());
        let (before, after) = (self.positions(before, &targets)?, self.positions(after, &targets)?);
        let positions = before.into_iter().zip(after);
        let rows = (0..images.len()).map(|i| targets.rows(i..i + 1));
        let parts = released.into_iter().zip(rows).zip(positions).zip(steps);
        let activated =
            |(((pixels, target), (before, after)), steps)| Activated { pixels, target, before, after, steps };
        Ok(parts.map(activated).collect())
    }

    /// Where an image's descriptor is, seen from a target of one row: for released images that were changed again,
    /// by a lossy file format for one.
    ///
    /// # Errors
    /// If the image is not `[1, 3, h, w]`, or the index refuses its descriptor.
    pub fn position(&self, pixels: &Tensor<4>, target: &Aim) -> Result<Position> {
        check_shape(pixels)?;
        let descriptor = describe(self.extractor, vec![pixels.clone()]);
        Ok(self.positions(descriptor, target)?.remove(0))
    }

    /// The optimisation alone: images changed towards targets, not yet clamped or rounded, and each
    /// one's trace. It starts from `starts`, one `[1, 3, h, w]` an image, or from the seed's noise.
    ///
    /// # Errors
    /// If a tensor cannot be read from its device.
    ///
    /// # Panics
    /// If there are not as many images, targets and starts, of the same shapes.
    pub fn optimise(
        &self,
        images: &[Tensor<4>],
        targets: &Aim,
        starts: Option<Vec<Tensor<4>>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<Tensor<4>>, Vec<Vec<Step>>)> {
        let Settings { iterations, strength, seed, learning_rate, objective, .. } = self.settings;
        let perturbations = images.iter().map(|image| Perturbation::new(image.clone(), strength));
        let mut starts = starts.map(Vec::into_iter);
        let descent = |perturbation: Perturbation| {
            let start = starts.as_mut().map_or_else(|| Some(perturbation.start(seed)), Iterator::next);
            Descent::new(perturbation, start.unwrap_or_else(|| panic!("as many starts as images")))
        };
        let mut descents: Vec<_> = perturbations.map(descent).collect();
        let mut traces = vec![Vec::new(); images.len()];
        for (iteration, step) in (0..iterations).zip(1..) {
            let (gradients, steps) = self.gradients(iteration, &descents, targets)?;
            for (descent, gradient) in descents.iter_mut().zip(gradients) {
                descent.step(gradient, objective.lambda_i, Adam { learning_rate, step });
            }
            traces.iter_mut().zip(steps).for_each(|(trace, step)| trace.push(step));
            progress(Progress { iteration: iteration + 1, iterations });
        }
        Ok((descents.into_iter().map(Descent::finish).collect(), traces))
    }

    /// Gradients of the descriptor's term to the changed pixels, and the objective of each image.
    fn gradients(
        &self,
        iteration: usize,
        descents: &[Descent],
        targets: &Aim,
    ) -> Result<(Vec<Tensor<4>>, Vec<Step>)> {
        let (mut leaves, mut inputs, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for descent in descents {
            let (changed, squared) = descent.changed();
            let leaf = changed.autodiff().require_grad();
            inputs.push(self.extractor.prepare(leaf.clone()));
            leaves.push(leaf);
            squares.push(squared);
        }
        let loss_f = loss_f(describe_prepared(self.extractor, inputs), targets);
        let columns = Tensor::cat(vec![loss_f.clone().inner(), Tensor::cat(squares, 0)], 1);
        let steps = self.steps(iteration, columns)?;
        let mut gradients = (loss_f.sum() * self.settings.objective.lambda_f).backward();
        let gradient = |leaf: Tensor<4>| {
            let none = || leaf.clone().inner().zeros_like();
            leaf.grad_remove(&mut gradients).unwrap_or_else(none)
        };
        Ok((leaves.into_iter().map(gradient).collect(), steps))
    }

    /// Steps from columns `[n, 4]`: the descriptor's term and the mean squared change of each channel.
    fn steps(&self, iteration: usize, columns: Tensor<2>) -> Result<Vec<Step>> {
        let rows = read(columns)?;
        let step = |&[loss_f, r, g, b]: &[f64; 4]| self.settings.objective.step(iteration, loss_f, [r, g, b]);
        Ok(rows.as_chunks().0.iter().map(step).collect())
    }

    fn positions(&self, descriptors: Tensor<2>, targets: &Aim) -> Result<Vec<Position>> {
        let cells = self.index.cells(descriptors.clone())?;
        let wrong_bits = targets.signs.as_ref().map(|signs| wrong_bits(signs.margins(descriptors.clone())));
        let wrong_bits = wrong_bits.transpose()?;
        let difference = descriptors.clone() - targets.points.clone();
        let distance = (difference.clone() * difference).sum_dim(1);
        let rows = read(Tensor::cat(vec![cosine(descriptors, targets.points.clone()), distance], 1))?;
        let position = |(i, row): (usize, &[f64])| Position {
            cell: cells.as_ref().map(|cells| cells[i]),
            cosine: row[0] as f32,
            distance: row[1] as f32,
            wrong_bits: wrong_bits.as_ref().map(|bits| bits[i]),
        };
        Ok(rows.chunks_exact(2).enumerate().map(position).collect())
    }
}

/// Negative ones in each row of margins `[n, nbits]`: `[n]`.
fn wrong_bits(margins: Tensor<2>) -> Result<Vec<usize>> {
    let counts = read(margins.lower_elem(0.0).float().sum_dim(1))?;
    Ok(counts.into_iter().map(|count| count as usize).collect())
}

fn read(tensor: Tensor<2>) -> Result<Vec<f64>> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(e.to_string()))?;
    let values: Vec<f32> = data.try_to_vec().map_err(|e| Error::Device(e.to_string()))?;
    Ok(values.into_iter().map(f64::from).collect())
}
