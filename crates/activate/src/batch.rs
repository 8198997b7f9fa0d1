//! Images on their way to their targets, one pass of the network a step for all that are still going.

use std::{cmp::Reverse, ops::Range};

use burn::tensor::Tensor;
use index::Index;

use crate::{
    DescriptorNetwork, Optimizer, Result,
    activator::read,
    descent::{BudgetedDescent, Descent, MaskedDescent},
    describe, describe_prepared,
    objective::{Goal, RowGoals, Step},
    settings::Settings,
    stop::{End, Stop},
    views::{View, views_of},
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

/// An index, and what images are to reach there.
pub(crate) struct Destination<'a> {
    pub(crate) index: &'a Index,
    pub(crate) goal: Goal,
    /// The cells of each image, where the index has any.
    pub(crate) cells: Option<Vec<Vec<i64>>>,
}

/// What images are optimised by.
pub(crate) struct Batch<'a, E> {
    pub(crate) extractor: &'a E,
    pub(crate) settings: Settings,
}

/// Images before their first step.
pub(crate) struct Departure {
    going: Vec<Traveller>,
    /// What the first step looks at, where somebody looked at it already.
    seen: Option<Seen>,
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
    /// Changes images, the mean of their objectives at all destinations being what is minimised.
    pub(crate) fn optimise(
        &self,
        Departure { mut going, mut seen }: Departure,
        destinations: &[Destination<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Changed>> {
        if going.is_empty() {
            return Ok(Vec::new());
        }
        let iterations = self.settings.iterations;
        let mut goals = self.goals(&going, destinations);
        let mut arrived = Vec::with_capacity(going.len());
        let mut unread = None;
        for iteration in 0..iterations {
            let before = going.len();
            let figures;
            let seen = seen.take().unwrap_or_else(|| self.see(iteration, &going));
            let mut forward = judge(seen, &goals);
            let ends = self.ends(iteration, &mut going, &mut forward, destinations)?;
            (going, figures) = self.advance(iteration, going, forward, ends, &mut arrived);
            if going.is_empty() {
                break;
            }
            if going.len() < before {
                goals = self.goals(&going, destinations);
            }
            // Read when the next step is on its way: the device has work while the host waits.
            if let Some(last) = std::mem::replace(&mut unread, figures) {
                self.note(&mut going, iteration - 1, last)?;
            }
            progress(Progress { iteration: iteration + 1, iterations, images: going.len() });
        }
        if let Some(last) = unread {
            self.note(&mut going, iterations - 1, last)?;
        }
        let end = |traveller: Traveller| traveller.arrive(iterations, End::Iterations, self.extractor);
        arrived.extend(going.into_iter().map(end));
        arrived.sort_by_key(|(place, _)| *place);
        Ok(arrived.into_iter().map(|(_, changed)| changed).collect())
    }

    /// From `starts` of the paper's perturbation where they are given.
    ///
    /// # Panics
    /// If there are not as many starts as images.
    pub(crate) fn depart(&self, images: &[Tensor<4>], starts: Option<Vec<Tensor<4>>>) -> Departure {
        let mut starts = starts.map(Vec::into_iter);
        let depart = |(place, image): (usize, &Tensor<4>)| {
            let start = starts.as_mut().map(|starts| starts.next());
            let start = start.map(|start| start.unwrap_or_else(|| panic!("as many starts as images")));
            let [_, _, h, w] = image.dims();
            let descent = self.descent(image.clone(), start);
            Traveller { place, sides: [h, w], descent, steps: Vec::new(), kept: Vec::new() }
        };
        let mut going: Vec<_> = images.iter().enumerate().map(depart).collect();
        // Images of the same sides have the same views, which are made for all of them at once.
        going.sort_by_key(|traveller| traveller.sides);
        Departure { going, seen: None }
    }

    /// Descriptors of images as they are. Where the first step looks at just that, it does not look again.
    ///
    /// # Shapes
    /// `n` images -> `[n, d]`
    pub(crate) fn originals(&self, departure: &mut Departure, images: &[Tensor<4>]) -> Tensor<2> {
        let looks = self.settings.iterations > 0
            && self.settings.views() == 0
            && matches!(self.settings.optimizer, Optimizer::Steepest(_));
        if !looks {
            return describe(self.extractor, images.to_vec());
        }
        let seen = self.see(0, &departure.going);
        let mut rows: Vec<_> = departure.going.iter().map(|traveller| traveller.place).enumerate().collect();
        rows.sort_by_key(|(_, place)| *place);
        let descriptors = seen.descriptors.clone().inner();
        departure.seen = Some(seen);
        Tensor::cat(rows.into_iter().map(|(row, _)| descriptors.clone().narrow(0, row, 1)).collect(), 0)
    }

    /// The views that choose cells: of each the number of its image, and its descriptor, `[n * choice, d]`. `None` where none
    /// choose.
    pub(crate) fn choosing(&self, Departure { going, .. }: &Departure) -> Option<(Vec<usize>, Tensor<2>)> {
        let Settings { choice, iterations, .. } = self.settings;
        if choice == 0 {
            return None;
        }
        let views = self.settings.views();
        // Other views than those of the steps, as many at a time.
        let (first, together) = (iterations * views, views.max(1));
        let input = |traveller: &Traveller| traveller.descent.tracked_input(self.extractor).input.inner();
        let inputs: Vec<_> = going.iter().map(input).collect();
        let (mut places, mut descriptors) = (Vec::new(), Vec::new());
        for number in (first..first + choice).step_by(together) {
            let numbers = number..(number + together).min(first + choice);
            let views = self.views(numbers.clone(), going, inputs.clone());
            descriptors.push(describe_prepared(self.extractor, views));
            places.extend(going.iter().flat_map(|traveller| vec![traveller.place; numbers.len()]));
        }
        Some((places, Tensor::cat(descriptors, 0)))
    }

    /// What each view of each image is to reach, at each destination.
    fn goals(&self, going: &[Traveller], destinations: &[Destination<'_>]) -> Vec<RowGoals> {
        let views = self.settings.views().max(1);
        let places: Vec<_> = going.iter().flat_map(|traveller| vec![traveller.place; views]).collect();
        destinations.iter().map(|to| to.goal.rows(&places)).collect()
    }

    fn descent(&self, image: Tensor<4>, start: Option<Tensor<4>>) -> Descent {
        let Settings { seed, depth, .. } = self.settings;
        match self.settings.optimizer {
            Optimizer::Adam(masked) => {
                Descent::Masked(Box::new(MaskedDescent::new(image, masked, start, seed)))
            }
            Optimizer::Steepest(budget) => Descent::Budgeted(Box::new(BudgetedDescent::new(
                image,
                budget,
                depth,
                self.settings.iterations,
                self.extractor,
            ))),
        }
    }

    /// A step for all that are not there yet, and its figures where nobody had to know them.
    fn advance(
        &self,
        iteration: usize,
        going: Vec<Traveller>,
        forward: Forward,
        ends: Vec<Option<End>>,
        arrived: &mut Vec<Arrival>,
    ) -> (Vec<Traveller>, Option<Tensor<2>>) {
        if going.len() == ends.iter().flatten().count() {
            let all = going.into_iter().zip(ends.into_iter().flatten());
            arrived.extend(all.map(|(traveller, end)| traveller.arrive(iteration, end, self.extractor)));
            return (Vec::new(), None);
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
        (left, forward.figures)
    }

    /// Describes the changed pixels of all, or views of them.
    fn see(&self, iteration: usize, going: &[Traveller]) -> Seen {
        let (mut leaves, mut inputs, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for traveller in going {
            let from = traveller.descent.tracked_input(self.extractor);
            inputs.push(from.input);
            leaves.push(from.leaf);
            squares.push(from.mean_squares);
        }
        let views = self.settings.views();
        if views > 0 {
            inputs = self.views(iteration * views..(iteration + 1) * views, going, inputs);
        }
        let descriptors = describe_prepared(self.extractor, inputs);
        Seen { leaves, descriptors, squares: Tensor::cat(squares, 0) }
    }

    /// Reads the figures of a step from the device, and nothing else is read there.
    fn note(&self, going: &mut [Traveller], iteration: usize, figures: Tensor<2>) -> Result<()> {
        let [_, columns] = figures.dims();
        for (traveller, row) in going.iter_mut().zip(read(figures)?.chunks_exact(columns)) {
            if let [loss_f, r, g, b, ref kept @ ..] = *row {
                traveller.steps.push(Step::new(iteration, self.settings.weights(), loss_f, [r, g, b]));
                traveller.kept.extend(kept);
            }
        }
        Ok(())
    }

    /// Views of these numbers of each image, one behind the other.
    fn views(&self, numbers: Range<usize>, going: &[Traveller], inputs: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        let Settings { seed, .. } = self.settings;
        let (mut seen, mut inputs) = (Vec::new(), inputs.into_iter());
        for alike in going.chunk_by(|a, b| a.sides == b.sides) {
            let images: Vec<_> = inputs.by_ref().take(alike.len()).collect();
            let [_, _, h, w] = images[0].dims();
            let drawn: Vec<_> =
                numbers.clone().map(|number| View::draw(seed, number, alike[0].sides, [h, w])).collect();
            seen.extend(views_of(&drawn, images));
        }
        seen
    }

    /// Who is there, and why. For that the figures of the step are noted.
    fn ends(
        &self,
        iteration: usize,
        going: &mut [Traveller],
        forward: &mut Forward,
        destinations: &[Destination<'_>],
    ) -> Result<Vec<Option<End>>> {
        let stop = self.settings.stop;
        if stop == Stop::Never {
            return Ok(vec![None; going.len()]);
        }
        let known = forward.figures.take();
        known.map(|figures| self.note(going, iteration, figures)).transpose()?;
        let margins = match stop {
            Stop::Safe { .. } => least_margins(going, &forward.descriptors, destinations)?,
            _ => vec![None; going.len()],
        };
        let end = |(traveller, margin): (&Traveller, _)| stop.reached(&traveller.steps, margin);
        Ok(going.iter().zip(margins).map(end).collect())
    }
}

/// Of each image as many cells as are nearest to it: those that most of its views fall into.
pub(crate) fn frequent_cells(
    index: &Index,
    (places, descriptors): &(Vec<usize>, Tensor<2>),
    nearest: Vec<Vec<i64>>,
) -> Result<Vec<Vec<i64>>> {
    let mut met = vec![Vec::new(); nearest.len()];
    let cells = index.cells(descriptors.clone())?.unwrap_or_default();
    places.iter().zip(cells).for_each(|(&place, cell)| met[place].push(cell));
    Ok(nearest.into_iter().zip(met).map(|(nearest, met)| most_frequent(nearest, &met)).collect())
}

/// The most frequent of the cells that were met, as many as are nearest: of equals the nearest, then the first.
fn most_frequent(nearest: Vec<i64>, met: &[i64]) -> Vec<i64> {
    let count = nearest.len();
    let mut cells = nearest;
    for &cell in met {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells.sort_by_key(|cell| Reverse(met.iter().filter(|other| *other == cell).count()));
    cells.truncate(count);
    cells
}

/// The least margin of the views of each image, in its cells of all indexes that have any.
fn least_margins(
    going: &[Traveller],
    descriptors: &Tensor<2>,
    destinations: &[Destination<'_>],
) -> Result<Vec<Option<f32>>> {
    let views = descriptors.dims()[0] / going.len();
    let mut least: Vec<Option<f32>> = vec![None; going.len()];
    for Destination { index, cells, .. } in destinations {
        let Some(own) = cells else { continue };
        let cells: Vec<_> = going.iter().flat_map(|traveller| vec![own[traveller.place][0]; views]).collect();
        let margins = index.cell_margins(descriptors.clone(), &cells)?.unwrap_or_default();
        for (least, margins) in least.iter_mut().zip(margins.chunks_exact(views)) {
            *least = least.iter().chain(margins).copied().reduce(f32::min);
        }
    }
    Ok(least)
}

/// What the network saw of all that are still going.
struct Seen {
    /// What gradients are wanted of, one an image.
    leaves: Vec<Tensor<4>>,
    /// `[n * views, d]`.
    descriptors: Tensor<2>,
    /// Mean squared change of each channel, `[n, 3]`.
    squares: Tensor<2>,
}

/// A forward pass for all that are still going.
struct Forward {
    /// What gradients are wanted of, one an image.
    leaves: Vec<Tensor<4>>,
    /// `[n * views, d]`.
    descriptors: Tensor<2>,
    /// `[n, 1]`.
    losses: Tensor<2>,
    /// The loss, the mean squared change of each channel, and where cells are the goal the share of views in the image's
    /// own: `[n, 4 or 5]`, until they are noted.
    figures: Option<Tensor<2>>,
}

/// The mean over views and destinations of the objective of each image.
fn judge(Seen { leaves, descriptors, squares }: Seen, goals: &[RowGoals]) -> Forward {
    let images = leaves.len();
    let mean = |rows: Vec<Tensor<2>>| Tensor::cat(rows, 1).reshape([images as i32, -1]).mean_dim(1);
    let judged = goals.iter().map(|goals| goals.loss(descriptors.clone()));
    let (losses, inside): (Vec<_>, Vec<_>) = judged.map(|judged| (judged.losses, judged.inside)).unzip();
    let losses = mean(losses);
    let inside: Vec<_> = inside.into_iter().flatten().collect();
    let inside = (!inside.is_empty()).then(|| mean(inside));
    let figures = [losses.clone().inner(), squares].into_iter().chain(inside);
    let figures = Some(Tensor::cat(figures.collect(), 1));
    Forward { leaves, descriptors: descriptors.inner(), losses, figures }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_cells_are_chosen_and_the_nearest_of_equals() {
        let chosen = |nearest: &[i64], met: &[i64]| most_frequent(nearest.to_vec(), met);
        assert_eq!(chosen(&[5, 6], &[]), [5, 6], "nothing was met");
        assert_eq!(chosen(&[5], &[7, 5, 7]), [7]);
        assert_eq!(chosen(&[5], &[7, 5]), [5], "the nearest of equals");
        assert_eq!(chosen(&[5, 6], &[9, 7, 7, 6, 9]), [9, 7], "the first met of equals");
        assert_eq!(chosen(&[5, 6, 8], &[7, 7]), [7, 5, 6]);
    }
}
