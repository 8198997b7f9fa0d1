//! Images on their way to their targets, one pass of the network a step for all that are still going.

use burn::tensor::Tensor;
use index::Index;
use rayon::prelude::*;

use crate::{
    DescriptorNetwork, Optimizer, Result,
    activator::read,
    descent::{Budgeted, Descent, MaskedDescent},
    network::describe_prepared,
    objective::{Goal, Step},
    settings::Settings,
    stop::{End, Stop},
    views::View,
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
    /// Share of the views of the last half of the steps that lay in a cell of the image's own; `None` where the objective is
    /// none of cells.
    pub kept: Option<f64>,
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
    pub(crate) goal: &'a Goal,
    /// The cells of each image, where the index has any.
    pub(crate) cells: Option<&'a [Vec<i64>]>,
}

/// An image that is still going.
struct Traveller {
    /// Its number in the batch.
    place: usize,
    /// Height and width.
    sides: [usize; 2],
    descent: Descent,
    steps: Vec<Step>,
    /// Of each step, the share of views in the image's cells.
    kept: Vec<f64>,
}

/// What became of an image, by its number in the batch.
type Arrival = (usize, Changed);

impl<E: DescriptorNetwork> Batch<'_, E> {
    /// Changes images, from `starts` of the paper's perturbation where they are given.
    ///
    /// # Panics
    /// If there are not as many starts as images.
    pub(crate) fn optimise(
        &self,
        images: &[Tensor<4>],
        starts: Option<Vec<Tensor<4>>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Changed>> {
        let iterations = self.settings.iterations;
        let mut going = self.departures(images, starts);
        let mut arrived = Vec::with_capacity(images.len());
        for iteration in 0..iterations {
            going = self.advance(iteration, going, &mut arrived)?;
            if going.is_empty() {
                break;
            }
            progress(Progress { iteration: iteration + 1, iterations, images: going.len() });
        }
        let end = |traveller: Traveller| traveller.arrive(iterations, End::Iterations, self.extractor);
        arrived.extend(going.into_iter().map(end));
        arrived.sort_by_key(|(place, _)| *place);
        Ok(arrived.into_iter().map(|(_, changed)| changed).collect())
    }

    fn departures(&self, images: &[Tensor<4>], starts: Option<Vec<Tensor<4>>>) -> Vec<Traveller> {
        let mut starts = starts.map(Vec::into_iter);
        let depart = |(place, image): (usize, &Tensor<4>)| {
            let start = starts.as_mut().map(|starts| starts.next());
            let start = start.map(|start| start.unwrap_or_else(|| panic!("as many starts as images")));
            let [_, _, h, w] = image.dims();
            let descent = self.descent(image.clone(), start);
            Traveller { place, sides: [h, w], descent, steps: Vec::new(), kept: Vec::new() }
        };
        images.iter().enumerate().map(depart).collect()
    }

    fn descent(&self, image: Tensor<4>, start: Option<Tensor<4>>) -> Descent {
        let Settings { seed, depth, .. } = self.settings;
        match self.settings.optimizer {
            Optimizer::Adam(masked) => {
                Descent::Masked(Box::new(MaskedDescent::new(image, masked, start, seed)))
            }
            Optimizer::Steepest(budget) => {
                Descent::Budgeted(Box::new(Budgeted::new(image, budget, depth, self.extractor)))
            }
        }
    }

    /// A step for all that are not there yet.
    fn advance(
        &self,
        iteration: usize,
        mut going: Vec<Traveller>,
        arrived: &mut Vec<Arrival>,
    ) -> Result<Vec<Traveller>> {
        let forward = self.forward(iteration, &mut going)?;
        let ends = self.ends(&going, forward.descriptors)?;
        if going.len() == ends.iter().flatten().count() {
            let all = going.into_iter().zip(ends.into_iter().flatten());
            arrived.extend(all.map(|(traveller, end)| traveller.arrive(iteration, end, self.extractor)));
            return Ok(Vec::new());
        }
        let [lambda_f, _] = self.settings.weights();
        let gradients = gradients(forward.leaves, forward.losses * lambda_f);
        let mut left = Vec::with_capacity(going.len());
        for ((traveller, gradient), end) in going.into_iter().zip(gradients).zip(ends) {
            match end {
                Some(end) => arrived.push(traveller.arrive(iteration, end, self.extractor)),
                None => left.push(traveller.step(gradient, iteration, self.extractor)),
            }
        }
        Ok(left)
    }

    /// Describes the changed pixels of all, or views of them, and notes the objective of each.
    fn forward(&self, iteration: usize, going: &mut [Traveller]) -> Result<Forward> {
        let (mut leaves, mut inputs, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for traveller in going.iter() {
            let from = traveller.descent.leaf(self.extractor);
            inputs.extend(self.views(iteration, traveller.sides, from.input));
            leaves.push(from.leaf);
            squares.push(from.squared);
        }
        let views = inputs.len() / going.len();
        let descriptors = describe_prepared(self.extractor, inputs);
        let places: Vec<_> = going.iter().flat_map(|traveller| vec![traveller.place; views]).collect();
        let losses = self.goal.loss(descriptors.clone(), &places).reshape([going.len(), views]).mean_dim(1);
        // Rows of the descriptor's term and the mean squared change of each channel.
        let columns = Tensor::cat(vec![losses.clone().inner(), Tensor::cat(squares, 0)], 1);
        let rows = read(columns)?;
        for (traveller, &[loss_f, r, g, b]) in going.iter_mut().zip(rows.as_chunks().0) {
            traveller.steps.push(Step::new(iteration, self.settings.weights(), loss_f, [r, g, b]));
        }
        let descriptors = descriptors.inner();
        self.note_kept(going, descriptors.clone())?;
        Ok(Forward { leaves, descriptors, losses })
    }

    /// What the network sees of an image at a step.
    fn views(&self, iteration: usize, sides: [usize; 2], input: Tensor<4>) -> Vec<Tensor<4>> {
        let [_, _, h, w] = input.dims();
        match self.settings.views() {
            0 => vec![input],
            views => {
                let numbers = iteration * views..(iteration + 1) * views;
                let seed = self.settings.seed;
                let draw = |number| View::draw(seed, number, sides, [h, w]);
                let drawn: Vec<_> = numbers.into_par_iter().map(draw).collect();
                drawn.iter().map(|view| view.apply(input.clone())).collect()
            }
        }
    }

    /// How many of the views `[n * views, d]` lie in cells of their images.
    fn note_kept(&self, going: &mut [Traveller], descriptors: Tensor<2>) -> Result<()> {
        let (Some(own), Goal::Cells(_)) = (self.cells, self.goal) else { return Ok(()) };
        let cells = self.index.cells(descriptors)?.unwrap_or_default();
        let views = cells.len() / going.len();
        for (traveller, cells) in going.iter_mut().zip(cells.chunks_exact(views)) {
            let inside = cells.iter().filter(|cell| own[traveller.place].contains(cell)).count();
            traveller.kept.push(inside as f64 / views as f64);
        }
        Ok(())
    }

    /// Who is there, and why: by the least margin of their views.
    fn ends(&self, going: &[Traveller], descriptors: Tensor<2>) -> Result<Vec<Option<End>>> {
        let (stop, [rows, _]) = (self.settings.stop, descriptors.dims());
        let views = rows / going.len();
        let margins = match (stop, self.cells) {
            (Stop::Safe { .. }, Some(own)) => {
                let cells = going.iter().flat_map(|traveller| vec![own[traveller.place][0]; views]);
                self.index.cell_margins(descriptors, &cells.collect::<Vec<_>>())?
            }
            _ => None,
        };
        let least = |i: usize| margins.as_ref()?[i * views..(i + 1) * views].iter().copied().reduce(f32::min);
        Ok(going.iter().enumerate().map(|(i, traveller)| stop.reached(&traveller.steps, least(i))).collect())
    }
}

/// A forward pass for all that are still going.
struct Forward {
    /// What gradients are wanted of, one an image.
    leaves: Vec<Tensor<4>>,
    /// `[n * views, d]`.
    descriptors: Tensor<2>,
    /// `[n, 1]`.
    losses: Tensor<2>,
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
    fn step(self, gradient: Tensor<4>, iteration: usize, network: &impl DescriptorNetwork) -> Self {
        Self { descent: self.descent.step(gradient, iteration, network), ..self }
    }

    fn arrive(self, iterations: usize, end: End, network: &impl DescriptorNetwork) -> Arrival {
        let late = &self.kept[self.kept.len() / 2..];
        let kept = (!late.is_empty()).then(|| late.iter().sum::<f64>() / late.len() as f64);
        let course = Course { iterations, end, steps: self.steps, kept };
        (self.place, Changed { pixels: self.descent.finish(network), course })
    }
}
