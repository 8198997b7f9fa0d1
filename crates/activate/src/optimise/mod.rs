//! Optimisation of a batch: one forward and one backward pass of the network per step for all images still running.

mod cells;
mod forward_pass;
mod image_state;
mod index_goal;
mod trace;

use std::ops::Range;

use burn::tensor::Tensor;
use device_math::transfer::download;

pub use self::trace::{Optimised, Progress, Trace};
pub(crate) use self::{cells::CellViews, image_state::InitialStates, index_goal::IndexGoal};
use self::{
    forward_pass::{Evaluation, ForwardPass, gradients},
    image_state::{Finished, ImageState},
    index_goal::least_margins,
};
use crate::{
    DescriptorNetwork, Optimiser, Result,
    descent::{BudgetedDescent, Descent, MaskedDescent},
    describe, describe_prepared,
    objective::{RowGoals, Step},
    settings::Settings,
    stop::{End, Stop},
    views::{View, views_of},
};

/// Optimisation of batches of images with one network.
pub(crate) struct Run<'a, E> {
    pub(crate) extractor: &'a E,
    pub(crate) settings: Settings,
}

impl<E: DescriptorNetwork> Run<'_, E> {
    /// Minimises each image's mean objective over the goals of all indexes.
    pub(crate) fn optimise(
        &self,
        InitialStates { states: mut running, mut first_pass }: InitialStates,
        goals: &[IndexGoal<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Optimised>> {
        if running.is_empty() {
            return Ok(Vec::new());
        }
        let iterations = self.settings.iterations;
        let mut row_goals = self.row_goals(&running, goals);
        let mut finished = Vec::with_capacity(running.len());
        let mut unread = None;
        for iteration in 0..iterations {
            let before = running.len();
            let trace_values;
            let pass = first_pass.take().unwrap_or_else(|| self.forward(iteration, &running));
            let mut evaluation = pass.evaluate(&row_goals);
            let ends = self.ends(iteration, &mut running, &mut evaluation, goals)?;
            (running, trace_values) = self.step(iteration, running, evaluation, ends, &mut finished);
            if running.is_empty() {
                break;
            }
            if running.len() < before {
                row_goals = self.row_goals(&running, goals);
            }
            // Values are read once the next step is queued, so that the device works while the host waits.
            if let Some(last) = std::mem::replace(&mut unread, trace_values) {
                self.record(&mut running, iteration - 1, last)?;
            }
            progress(Progress { iteration: iteration + 1, iterations, images: running.len() });
        }
        if let Some(last) = unread {
            self.record(&mut running, iterations - 1, last)?;
        }
        let finish = |state: ImageState| state.finish(iterations, End::Iterations, self.extractor);
        finished.extend(running.into_iter().map(finish));
        finished.sort_by_key(|(image, _)| *image);
        Ok(finished.into_iter().map(|(_, optimised)| optimised).collect())
    }

    /// States before the first step. Adam starts from `starts` of its perturbation if given, otherwise from noise.
    ///
    /// # Panics
    /// If there are fewer starts than images.
    pub(crate) fn initial_states(
        &self,
        images: &[Tensor<4>],
        starts: Option<Vec<Tensor<4>>>,
    ) -> InitialStates {
        let mut starts = starts.map(Vec::into_iter);
        let initial = |(image, pixels): (usize, &Tensor<4>)| {
            let start = starts.as_mut().map(|starts| starts.next().expect("as many starts as images"));
            let [_, _, h, w] = pixels.dims();
            let descent = self.descent(pixels.clone(), start);
            ImageState { image, size: [h, w], descent, steps: Vec::new(), kept: Vec::new() }
        };
        let mut states: Vec<_> = images.iter().enumerate().map(initial).collect();
        // Images of equal size have the same views, which are made for all of them at once.
        states.sort_by_key(|state| state.size);
        InitialStates { states, first_pass: None }
    }

    /// Descriptors of the unchanged images. If the first step describes exactly these, its forward pass is kept for it.
    ///
    /// # Shapes
    /// `n` images -> `[n, d]`
    pub(crate) fn describe_originals(&self, initial: &mut InitialStates, images: &[Tensor<4>]) -> Tensor<2> {
        let is_first_pass = self.settings.iterations > 0
            && self.settings.views() == 0
            && matches!(self.settings.optimiser, Optimiser::Steepest(_));
        if !is_first_pass {
            return describe(self.extractor, images.to_vec());
        }
        let pass = self.forward(0, &initial.states);
        let mut rows: Vec<_> = initial.states.iter().map(|state| state.image).enumerate().collect();
        rows.sort_by_key(|(_, image)| *image);
        let descriptors = pass.descriptors.clone().inner();
        initial.first_pass = Some(pass);
        Tensor::cat(rows.into_iter().map(|(row, _)| descriptors.clone().narrow(0, row, 1)).collect(), 0)
    }

    /// Described views that choose cells; `None` if [`Settings::cell_views`] is 0.
    pub(crate) fn describe_cell_views(
        &self,
        InitialStates { states, .. }: &InitialStates,
    ) -> Option<CellViews> {
        let Settings { cell_views, iterations, .. } = self.settings;
        if cell_views == 0 {
            return None;
        }
        let views = self.settings.views();
        // The numbers of the views follow those of the steps, and as many views share a pass.
        let (first, per_pass) = (iterations * views, views.max(1));
        let input = |state: &ImageState| state.descent.tracked_input(self.extractor).input.inner();
        let inputs: Vec<_> = states.iter().map(input).collect();
        let (mut images, mut descriptors) = (Vec::new(), Vec::new());
        for number in (first..first + cell_views).step_by(per_pass) {
            let numbers = number..(number + per_pass).min(first + cell_views);
            let views = self.views(numbers.clone(), states, inputs.clone());
            descriptors.push(describe_prepared(self.extractor, views));
            images.extend(states.iter().flat_map(|state| vec![state.image; numbers.len()]));
        }
        Some(CellViews { images, descriptors: Tensor::cat(descriptors, 0) })
    }

    /// Goals of each view of the running images, in every index.
    fn row_goals(&self, running: &[ImageState], goals: &[IndexGoal<'_>]) -> Vec<RowGoals> {
        let views = self.settings.views().max(1);
        let images: Vec<_> = running.iter().flat_map(|state| vec![state.image; views]).collect();
        goals.iter().map(|goal| goal.goal.rows(&images)).collect()
    }

    fn descent(&self, image: Tensor<4>, start: Option<Tensor<4>>) -> Descent {
        let Settings { seed, depth, .. } = self.settings;
        match self.settings.optimiser {
            Optimiser::Adam(masked) => Descent::Masked(Box::new(MaskedDescent::new(
                image,
                masked,
                self.extractor.std(),
                start,
                seed,
            ))),
            Optimiser::Steepest(budget) => Descent::Budgeted(Box::new(BudgetedDescent::new(
                image,
                budget,
                depth,
                self.settings.iterations,
                self.extractor,
            ))),
        }
    }

    /// Takes a step with each image that has no end yet and moves the others to `finished`. Returns the running
    /// images and the values that are still to be recorded.
    fn step(
        &self,
        iteration: usize,
        running: Vec<ImageState>,
        evaluation: Evaluation,
        ends: Vec<Option<End>>,
        finished: &mut Vec<Finished>,
    ) -> (Vec<ImageState>, Option<Tensor<2>>) {
        if running.len() == ends.iter().flatten().count() {
            let all = running.into_iter().zip(ends.into_iter().flatten());
            finished.extend(all.map(|(state, end)| state.finish(iteration, end, self.extractor)));
            return (Vec::new(), None);
        }
        let [lambda_f, _] = self.settings.weights();
        let gradients = gradients(evaluation.leaves, evaluation.losses * lambda_f);
        let mut left = Vec::with_capacity(running.len());
        for ((state, gradient), end) in running.into_iter().zip(gradients).zip(ends) {
            match end {
                Some(end) => finished.push(state.finish(iteration, end, self.extractor)),
                None => left.push(state.step(gradient, iteration, self.extractor)),
            }
        }
        (left, evaluation.trace_values)
    }

    /// Describes the changed images, or views of them.
    fn forward(&self, iteration: usize, running: &[ImageState]) -> ForwardPass {
        let (mut leaves, mut inputs, mut mean_squares) = (Vec::new(), Vec::new(), Vec::new());
        for state in running {
            let tracked = state.descent.tracked_input(self.extractor);
            inputs.push(tracked.input);
            leaves.push(tracked.leaf);
            mean_squares.push(tracked.mean_squares);
        }
        let views = self.settings.views();
        if views > 0 {
            inputs = self.views(iteration * views..(iteration + 1) * views, running, inputs);
        }
        let descriptors = describe_prepared(self.extractor, inputs);
        ForwardPass { leaves, descriptors, mean_squares: Tensor::cat(mean_squares, 0) }
    }

    /// Reads the trace values of a step from the device and records them. A step reads nothing else.
    fn record(&self, running: &mut [ImageState], iteration: usize, values: Tensor<2>) -> Result<()> {
        let [_, columns] = values.dims();
        let (weights, std) = (self.settings.weights(), self.extractor.std());
        let values: Vec<f64> = download(values)?.into_iter().map(f64::from).collect();
        for (state, row) in running.iter_mut().zip(values.chunks_exact(columns)) {
            if let [loss_f, r, g, b, ref kept @ ..] = *row {
                state.steps.push(Step::new(iteration, weights, std, loss_f, [r, g, b]));
                state.kept.extend(kept);
            }
        }
        Ok(())
    }

    /// Views of each image, by their numbers; those of an image are neighbours.
    fn views(&self, numbers: Range<usize>, running: &[ImageState], inputs: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        let Settings { seed, .. } = self.settings;
        let (mut views, mut inputs) = (Vec::new(), inputs.into_iter());
        for alike in running.chunk_by(|a, b| a.size == b.size) {
            let images: Vec<_> = inputs.by_ref().take(alike.len()).collect();
            let [_, _, h, w] = images[0].dims();
            let drawn: Vec<_> =
                numbers.clone().map(|number| View::draw(seed, number, alike[0].size, [h, w])).collect();
            views.extend(views_of(&drawn, images));
        }
        views
    }

    /// Images that met the stop condition. Records this step's losses first.
    fn ends(
        &self,
        iteration: usize,
        running: &mut [ImageState],
        evaluation: &mut Evaluation,
        goals: &[IndexGoal<'_>],
    ) -> Result<Vec<Option<End>>> {
        let stop = self.settings.stop;
        if stop == Stop::Never {
            return Ok(vec![None; running.len()]);
        }
        let values = evaluation.trace_values.take();
        values.map(|values| self.record(running, iteration, values)).transpose()?;
        let margins = match stop {
            Stop::Safe { .. } => {
                let images: Vec<_> = running.iter().map(|state| state.image).collect();
                least_margins(&images, &evaluation.descriptors, goals)?
            }
            _ => vec![None; running.len()],
        };
        let end = |(state, margin): (&ImageState, _)| stop.reached(&state.steps, margin);
        Ok(running.iter().zip(margins).map(end).collect())
    }
}
