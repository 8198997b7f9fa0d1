use burn::tensor::Tensor;
use extractor::transfer::download;
use index::{Aim, Index, Target};

use crate::{
    DescriptorNetwork, Error, Objective, Result,
    batch::{Batch, Changed, Course, Departure, Destination, Progress, frequent_cells},
    describe,
    objective::{CellMargin, Goal, cosine},
    pixels::{check_shape, round_to},
    settings::Settings,
    stop::Stop,
};

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
    /// The cell that it was to stay in, or the nearest one where cells are not the goal.
    pub cell: Option<i64>,
    /// The original's descriptor.
    pub before: Position,
    /// The released image's descriptor, of its rounded pixels.
    pub after: Position,
    /// How it got there.
    pub course: Course,
}

/// Activates images for one index.
#[derive(Debug, Clone)]
pub struct Activator<'a, E> {
    extractor: &'a E,
    /// At least one: what is told of images is told of the first.
    indexes: Vec<&'a Index>,
    settings: Settings,
}

impl<'a, E: DescriptorNetwork> Activator<'a, E> {
    /// An activator of images for `index`, described by `extractor`.
    ///
    /// # Errors
    /// If the two disagree on the dimension, a setting is out of range, the target is the reconstruction of
    /// codes that are the vectors themselves (there is nothing to approach), or images are to be safe in cells that the
    /// index does not have.
    pub fn new(extractor: &'a E, index: &'a Index, settings: Settings) -> Result<Self> {
        settings.check()?;
        Self { extractor, indexes: Vec::new(), settings }.and_for(index)
    }

    /// Activates for another index besides: the mean of the objectives is what is minimised, and [`Course::kept`] is the mean
    /// of the shares. [`Activated::target`] and the positions stay those of the first index.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn and_for(mut self, index: &'a Index) -> Result<Self> {
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
            || settings.choice > 0
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
        let batch = self.batch();
        let mut departure = batch.depart(images, None);
        let before = batch.originals(&mut departure, images);
        let targets = self.settings.aim(self.index(), before.clone())?;
        let destinations = self.destinations(&departure, &targets, Some(&before))?;
        let own = destinations[0].cells.clone();
        let changed = batch.optimise(departure, &destinations, progress)?;
        let round = |changed: Changed| (round_to(changed.pixels, self.settings.depth), changed.course);
        let (released, courses): (Vec<_>, Vec<_>) = changed.into_iter().map(round).unzip();
        let after = describe(self.extractor, released.clone());
        let (before, after) = (self.positions(before, &targets)?, self.positions(after, &targets)?);
        let positions = before.into_iter().zip(after);
        let rows = (0..images.len()).map(|i| targets.rows(i..i + 1));
        let parts = released.into_iter().zip(rows).zip(positions).zip(courses);
        let activated = |(i, (((pixels, target), (before, after)), course)): (usize, _)| {
            let cell = own.as_ref().map(|own| own[i][0]);
            Activated { pixels, target, cell, before, after, course }
        };
        Ok(parts.enumerate().map(activated).collect())
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

    /// The optimisation alone, towards targets. It starts from `starts` of the paper's perturbation, one `[1, 3, h, w]` an
    /// image, or from the seed's noise. Cells are those of the images.
    ///
    /// # Errors
    /// If a tensor cannot be read from its device, or the index refuses a descriptor (not finite).
    ///
    /// # Panics
    /// If there are not as many images, targets and starts, of the same shapes.
    pub fn optimise(
        &self,
        images: &[Tensor<4>],
        targets: &Aim,
        starts: Option<Vec<Tensor<4>>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Changed>> {
        let batch = self.batch();
        let mut departure = batch.depart(images, starts);
        let settings = &self.settings;
        let needs_cells = self.indexes.len() > 1
            || settings.aims_at_cells(self.index())
            || matches!(settings.stop, Stop::Safe { .. });
        let before = (needs_cells && !images.is_empty()).then(|| batch.originals(&mut departure, images));
        let destinations = self.destinations(&departure, targets, before.as_ref())?;
        batch.optimise(departure, &destinations, progress)
    }

    fn batch(&self) -> Batch<'a, E> {
        Batch { extractor: self.extractor, settings: self.settings }
    }

    /// What images with these targets in the first index are to reach, and in the other ones, with these descriptors.
    fn destinations(
        &self,
        departure: &Departure,
        targets: &Aim,
        before: Option<&Tensor<2>>,
    ) -> Result<Vec<Destination<'a>>> {
        let views = before.and_then(|_| self.batch().choosing(departure));
        let mut destinations =
            vec![self.destination(self.index(), targets.clone(), before, views.as_ref())?];
        if let Some(descriptors) = before {
            for &index in &self.indexes[1..] {
                let targets = self.settings.aim(index, descriptors.clone())?;
                destinations.push(self.destination(index, targets, before, views.as_ref())?);
            }
        }
        Ok(destinations)
    }

    fn destination(
        &self,
        index: &'a Index,
        targets: Aim,
        before: Option<&Tensor<2>>,
        views: Option<&(Vec<usize>, Tensor<2>)>,
    ) -> Result<Destination<'a>> {
        let Settings { cells, nprobe, .. } = self.settings;
        let nearest = before.map(|before| index.nearest_cells(before.clone(), cells)).transpose()?.flatten();
        let own = match (nearest, views) {
            (Some(nearest), Some(views)) => Some(frequent_cells(index, views, nearest)?),
            (nearest, _) => nearest,
        };
        let goal = match &own {
            Some(own) if self.settings.aims_at_cells(index) => {
                Goal::Cells(Box::new(CellMargin::new(index, own.clone(), nprobe)?))
            }
            _ => Goal::Stored(Box::new(targets)),
        };
        Ok(Destination { index, goal, cells: own })
    }

    fn positions(&self, descriptors: Tensor<2>, targets: &Aim) -> Result<Vec<Position>> {
        let cells = self.index().cells(descriptors.clone())?;
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

pub(crate) fn read(tensor: Tensor<2>) -> Result<Vec<f64>> {
    Ok(download(tensor)?.into_iter().map(f64::from).collect())
}
