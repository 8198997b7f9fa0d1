//! Activation of images for one or several indexes.

use burn::tensor::Tensor;
use index::{Index, Target, Targets};

use crate::{
    DescriptorNetwork, Error, Objective, Result, describe,
    optimise::{CellViews, IndexGoal, InitialStates, Optimised, Progress, Run, Trace},
    pixels::{check_shape, round_to},
    position::{Position, positions},
    settings::Settings,
    stop::Stop,
};

/// Released image, and the effect of activation on it.
#[derive(Debug, Clone)]
pub struct Activated {
    /// Image to release, `[1, 3, h, w]` in [0, 1], rounded to the levels of [`Settings::depth`].
    pub pixels: Tensor<4>,
    /// Target of the descriptor, of one row.
    pub target: Targets,
    /// Cell that the descriptor was to stay in; the original's nearest cell if the objective does not aim at cells.
    /// `None` if the index has no cells.
    pub cell: Option<i64>,
    /// Position of the original's descriptor.
    pub before: Position,
    /// Position of the released image's descriptor, of its rounded pixels.
    pub after: Position,
    /// Steps of the optimisation.
    pub trace: Trace,
}

/// Activates images for one or several indexes.
#[derive(Debug, Clone)]
pub struct Activator<'a, E> {
    extractor: &'a E,
    /// At least one index. [`Activated::target`], [`Activated::cell`] and the positions are those of the first.
    indexes: Vec<&'a Index>,
    settings: Settings,
}

impl<'a, E: DescriptorNetwork> Activator<'a, E> {
    /// Activator of images for `index`, with the descriptors of `extractor`.
    ///
    /// # Errors
    /// If the dimensions of `extractor` and `index` differ, a setting is out of range, the target is the
    /// reconstruction of codes that are the vectors themselves (there is nothing to approach), or a setting needs
    /// cells that the index does not have.
    pub fn new(extractor: &'a E, index: &'a Index, settings: Settings) -> Result<Self> {
        settings.check()?;
        Self { extractor, indexes: Vec::new(), settings }.also_for(index)
    }

    /// Activates for a further index. The optimisation minimises the mean of the objectives of all indexes, and
    /// [`Trace::kept`] is the mean of their shares. [`Activated::target`], [`Activated::cell`] and the positions
    /// remain those of the first index.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn also_for(mut self, index: &'a Index) -> Result<Self> {
        let settings = &self.settings;
        let (found, expected) = (self.extractor.dimension(), index.d());
        if found != expected {
            return Err(Error::Dimension { index: expected, descriptor: found });
        }
        let factory = || index.factory().to_string();
        if !settings.aims_at_cells(index) && settings.target == Target::Reconstruction && index.is_lossless()
        {
            return Err(Error::NothingToApproach { factory: factory() });
        }
        let needs_cells = matches!(settings.stop, Stop::Safe { .. })
            || settings.objective == Objective::CellMargin
            || settings.cells > 1
            || settings.cell_views > 0
            || settings.nprobe > 1;
        match index.nlist() {
            None if needs_cells => Err(Error::NoCells { factory: factory() }),
            Some(nlist) if settings.cells > nlist => Err(Error::FewCells { nlist, cells: settings.cells }),
            _ => {
                self.indexes.push(index);
                Ok(self)
            }
        }
    }

    fn index(&self) -> &'a Index {
        self.indexes[0]
    }

    /// Activates a batch. Each step is one pass of the network for all images; the result of an image does not depend
    /// on the others, up to rounding.
    ///
    /// # Shapes
    /// Each image is `[1, 3, h, w]` in [0, 1], of its own size.
    ///
    /// # Errors
    /// If an image has another shape, the index refuses a descriptor (not finite), or a tensor cannot be read from
    /// its device.
    pub fn activate(
        &self,
        images: &[Tensor<4>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Activated>> {
        images.iter().try_for_each(check_shape)?;
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let run = self.run();
        let mut initial = run.initial_states(images, None);
        let originals = run.describe_originals(&mut initial, images);
        let targets = self.settings.targets(self.index(), originals.clone())?;
        let goals = self.goals(&initial, &targets, Some(&originals))?;
        let optimised = run.optimise(initial, &goals, progress)?;
        let round = |image: Optimised| (round_to(image.pixels, self.settings.depth), image.trace);
        let (released, traces): (Vec<_>, Vec<_>) = optimised.into_iter().map(round).unzip();
        let after = describe(self.extractor, released.clone());
        let before = positions(self.index(), originals, &targets)?;
        let after = positions(self.index(), after, &targets)?;
        let parts = released.into_iter().zip(before.into_iter().zip(after)).zip(traces);
        let activated = |(i, ((pixels, (before, after)), trace)): (usize, _)| {
            let (target, cell) = (targets.rows(i..i + 1), goals[0].first_cell(i));
            Activated { pixels, target, cell, before, after, trace }
        };
        Ok(parts.enumerate().map(activated).collect())
    }

    /// Position of an image's descriptor with respect to a target of one row, for released images that were changed
    /// again, for example by a lossy file format.
    ///
    /// # Errors
    /// If the image is not `[1, 3, h, w]`, or the index refuses its descriptor.
    pub fn position(&self, pixels: &Tensor<4>, target: &Targets) -> Result<Position> {
        check_shape(pixels)?;
        let descriptor = describe(self.extractor, vec![pixels.clone()]);
        Ok(positions(self.index(), descriptor, target)?.remove(0))
    }

    /// Optimises images towards given targets in the first index, without the rounding of [`Self::activate`]. Adam
    /// starts from `starts` of its perturbation, one `[1, 3, h, w]` per image, or from noise of the seed. Cells are
    /// those of the images.
    ///
    /// # Errors
    /// If a tensor cannot be read from its device, or the index refuses a descriptor (not finite).
    ///
    /// # Panics
    /// If the numbers of images, targets and starts differ, or the shapes of an image and its start.
    pub fn optimise(
        &self,
        images: &[Tensor<4>],
        targets: &Targets,
        starts: Option<Vec<Tensor<4>>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Optimised>> {
        let run = self.run();
        let mut initial = run.initial_states(images, starts);
        let settings = &self.settings;
        let needs_originals = self.indexes.len() > 1
            || settings.aims_at_cells(self.index())
            || matches!(settings.stop, Stop::Safe { .. });
        let originals =
            (needs_originals && !images.is_empty()).then(|| run.describe_originals(&mut initial, images));
        let goals = self.goals(&initial, targets, originals.as_ref())?;
        run.optimise(initial, &goals, progress)
    }

    fn run(&self) -> Run<'a, E> {
        Run { extractor: self.extractor, settings: self.settings }
    }

    /// Goals in each index: `targets` in the first, and in the others the targets of `originals`, descriptors
    /// `[n, d]`. Without `originals` only the goal in the first index.
    fn goals(
        &self,
        initial: &InitialStates,
        targets: &Targets,
        originals: Option<&Tensor<2>>,
    ) -> Result<Vec<IndexGoal<'a>>> {
        let views = originals.and_then(|_| self.run().describe_cell_views(initial));
        let goal = |index, targets, views: Option<&CellViews>| {
            IndexGoal::new(&self.settings, index, targets, originals, views)
        };
        let mut goals = vec![goal(self.index(), targets.clone(), views.as_ref())?];
        if let Some(descriptors) = originals {
            for &index in &self.indexes[1..] {
                let targets = self.settings.targets(index, descriptors.clone())?;
                goals.push(goal(index, targets, views.as_ref())?);
            }
        }
        Ok(goals)
    }
}
