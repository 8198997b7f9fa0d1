//! Images on their way to their targets, one pass of the network a step for all that are still going.

use burn::tensor::Tensor;
use index::{Aim, Index};

use crate::{
    DescriptorNetwork, Result,
    activator::read,
    adam::Adam,
    descent::Descent,
    network::describe_prepared,
    objective::{Step, loss_f},
    perturbation::Perturbation,
    settings::Settings,
    stop::{End, Stop},
};

/// How an image got to its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Steps taken.
    pub iterations: usize,
    /// Why no more of them.
    pub end: End,
    /// The objective before each step; where [`Stop`] ended it, also that after the last one.
    pub steps: Vec<Step>,
}

/// What the optimisation made of an image.
#[derive(Debug, Clone)]
pub struct Changed {
    /// `[1, 3, h, w]`, not yet clamped or rounded.
    pub pixels: Tensor<4>,
    /// How it got there.
    pub course: Course,
}

/// One finished step of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub iteration: usize,
    /// Steps to do, at most.
    pub iterations: usize,
    /// Images that took the step.
    pub images: usize,
}

/// What images are optimised by.
pub(crate) struct Batch<'a, E> {
    pub(crate) extractor: &'a E,
    pub(crate) index: &'a Index,
    pub(crate) settings: Settings,
    /// One of each image.
    pub(crate) targets: &'a Aim,
}

/// An image that is still going.
struct Traveller {
    /// Its number in the batch.
    place: usize,
    /// The target's cell, where the index has any.
    cell: i64,
    descent: Descent,
    steps: Vec<Step>,
}

/// What became of an image, by its number in the batch.
type Arrival = (usize, Changed);

impl<E: DescriptorNetwork> Batch<'_, E> {
    /// Changes images with targets in `cells` `[n]`.
    ///
    /// # Panics
    /// If there are not as many starts as images.
    pub(crate) fn optimise(
        &self,
        images: &[Tensor<4>],
        cells: &[i64],
        starts: Option<Vec<Tensor<4>>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Changed>> {
        let iterations = self.settings.iterations;
        let mut going = self.departures(images, cells, starts);
        let mut arrived = Vec::with_capacity(images.len());
        for iteration in 0..iterations {
            going = self.advance(iteration, going, &mut arrived)?;
            if going.is_empty() {
                break;
            }
            progress(Progress { iteration: iteration + 1, iterations, images: going.len() });
        }
        let end = |traveller: Traveller| traveller.arrive(iterations, End::Iterations);
        arrived.extend(going.into_iter().map(end));
        arrived.sort_by_key(|(place, _)| *place);
        Ok(arrived.into_iter().map(|(_, changed)| changed).collect())
    }

    fn departures(
        &self,
        images: &[Tensor<4>],
        cells: &[i64],
        starts: Option<Vec<Tensor<4>>>,
    ) -> Vec<Traveller> {
        let Settings { strength, seed, .. } = self.settings;
        let mut starts = starts.map(Vec::into_iter);
        let depart = |((place, image), &cell): ((usize, &Tensor<4>), &i64)| {
            let perturbation = Perturbation::new(image.clone(), strength);
            let start = starts.as_mut().map_or_else(|| Some(perturbation.start(seed)), Iterator::next);
            let start = start.unwrap_or_else(|| panic!("as many starts as images"));
            Traveller { place, cell, descent: Descent::new(perturbation, start), steps: Vec::new() }
        };
        images.iter().enumerate().zip(cells).map(depart).collect()
    }

    /// A step for all that are not there yet.
    fn advance(
        &self,
        iteration: usize,
        mut going: Vec<Traveller>,
        arrived: &mut Vec<Arrival>,
    ) -> Result<Vec<Traveller>> {
        let Settings { learning_rate, objective, .. } = self.settings;
        let forward = self.forward(iteration, &mut going)?;
        let ends = self.ends(&going, forward.descriptors)?;
        if going.len() == ends.iter().flatten().count() {
            let all = going.into_iter().zip(ends.into_iter().flatten());
            arrived.extend(all.map(|(traveller, end)| traveller.arrive(iteration, end)));
            return Ok(Vec::new());
        }
        let gradients = gradients(forward.leaves, forward.loss_f * objective.lambda_f);
        let adam = Adam { learning_rate, step: iteration as i32 + 1 };
        let mut left = Vec::with_capacity(going.len());
        for ((traveller, gradient), end) in going.into_iter().zip(gradients).zip(ends) {
            match end {
                Some(end) => arrived.push(traveller.arrive(iteration, end)),
                None => left.push(traveller.step(gradient, objective.lambda_i, adam)),
            }
        }
        Ok(left)
    }

    /// Describes the changed pixels of all, and notes the objective of each.
    fn forward(&self, iteration: usize, going: &mut [Traveller]) -> Result<Forward> {
        let (mut leaves, mut inputs, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for traveller in going.iter() {
            let (changed, squared) = traveller.descent.changed();
            let leaf = changed.autodiff().require_grad();
            inputs.push(self.extractor.prepare(leaf.clone()));
            leaves.push(leaf);
            squares.push(squared);
        }
        let descriptors = describe_prepared(self.extractor, inputs);
        let places: Vec<_> = going.iter().map(|traveller| traveller.place).collect();
        let loss_f = loss_f(descriptors.clone(), &self.targets.select(&places));
        // Rows of the descriptor's term and the mean squared change of each channel.
        let columns = Tensor::cat(vec![loss_f.clone().inner(), Tensor::cat(squares, 0)], 1);
        let rows = read(columns)?;
        for (traveller, &[loss_f, r, g, b]) in going.iter_mut().zip(rows.as_chunks().0) {
            traveller.steps.push(self.settings.objective.step(iteration, loss_f, [r, g, b]));
        }
        Ok(Forward { leaves, descriptors: descriptors.inner(), loss_f })
    }

    /// Who is there, and why.
    fn ends(&self, going: &[Traveller], descriptors: Tensor<2>) -> Result<Vec<Option<End>>> {
        let stop = self.settings.stop;
        let cells: Vec<_> = going.iter().map(|traveller| traveller.cell).collect();
        let margins = match stop {
            Stop::Safe { .. } => self.index.cell_margins(descriptors, &cells)?,
            _ => None,
        };
        let margin = |i: usize| margins.as_ref().map(|margins| margins[i]);
        Ok(going.iter().enumerate().map(|(i, traveller)| stop.reached(&traveller.steps, margin(i))).collect())
    }
}

/// A forward pass for all that are still going.
struct Forward {
    /// The changed pixels, of which gradients are wanted.
    leaves: Vec<Tensor<4>>,
    /// `[n, d]`.
    descriptors: Tensor<2>,
    /// `[n, 1]`.
    loss_f: Tensor<2>,
}

/// Gradients of the losses to each of the leaves.
fn gradients(leaves: Vec<Tensor<4>>, losses: Tensor<2>) -> Vec<Tensor<4>> {
    let mut gradients = losses.sum().backward();
    let gradient = |leaf: Tensor<4>| {
        let none = || leaf.clone().inner().zeros_like();
        leaf.grad_remove(&mut gradients).unwrap_or_else(none)
    };
    leaves.into_iter().map(gradient).collect()
}

impl Traveller {
    fn step(self, gradient: Tensor<4>, lambda_i: f64, adam: Adam) -> Self {
        Self { descent: self.descent.step(gradient, lambda_i, adam), ..self }
    }

    fn arrive(self, iterations: usize, end: End) -> Arrival {
        let course = Course { iterations, end, steps: self.steps };
        (self.place, Changed { pixels: self.descent.finish(), course })
    }
}
