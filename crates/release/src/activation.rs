//! Activation of pictures, as many at once as fit the device.

use activate::{Activated, Activator, Settings, pixels::Depth};
use describe::BatchSize;
use extractor::Extractor;
use image_file::Picture;
use index::Index;

use crate::{
    error::{Error, Result},
    events::Events,
    options::Options,
    pixel_tensor::to_tensor,
};

/// Maximum number of pixels activated at once; each takes about 70 bytes.
const MAX_PIXELS_TOGETHER: u64 = 50_000_000;

/// Network, indexes and options of a release.
pub struct Activation<'a> {
    pub extractor: &'a Extractor,
    /// At least one.
    pub indexes: &'a [Index],
    pub options: Options,
}

impl<'a> Activation<'a> {
    /// Returns the activator of images of a depth.
    ///
    /// # Errors
    /// If there is no index, or one does not fit the extractor or the settings.
    pub fn activator(&self, depth: Depth) -> Result<Activator<'a, Extractor>> {
        let (first, others) = self.indexes.split_first().ok_or(Error::NoIndex)?;
        let settings = Settings { depth, ..self.options.settings };
        let activator = Activator::new(self.extractor, first, settings)?;
        others.iter().try_fold(activator, |activator, index| Ok(activator.also_for(index)?))
    }

    /// Returns the depth of the released file of a picture.
    pub fn depth(&self, picture: &Picture) -> Depth {
        let is_deep = picture.pixels.is_deep() && self.options.encoding.keeps_depth();
        if is_deep { Depth::Sixteen } else { Depth::Eight }
    }

    /// Activates pictures at once, or in halves if they have too many pixels or both depths. Returns one result for each.
    pub fn activate(
        &self,
        originals: &[&Picture],
        batch_size: &mut BatchSize,
        events: &dyn Events,
    ) -> Vec<Result<Activated>> {
        let pixels = |picture: &&Picture| {
            let (width, height) = picture.dimensions();
            u64::from(width) * u64::from(height)
        };
        let is_mixed = originals.windows(2).any(|pair| self.depth(pair[0]) != self.depth(pair[1]));
        let is_large = originals.iter().map(pixels).sum::<u64>() > MAX_PIXELS_TOGETHER;
        if originals.len() > 1 && (is_large || is_mixed) {
            let (first, second) = originals.split_at(originals.len() / 2);
            let halves = [first, second].into_iter();
            return halves.flat_map(|half| self.activate(half, batch_size, events)).collect();
        }
        let together = &mut |images: &[&Picture]| self.activate_together(images, events);
        batch_size.run(originals, together, Error::is_out_of_memory)
    }

    fn activate_together(&self, originals: &[&Picture], events: &dyn Events) -> Result<Vec<Activated>> {
        let Some(first) = originals.first() else { return Ok(Vec::new()) };
        let device = self.extractor.device();
        let tensors = originals.iter().map(|picture| to_tensor(&picture.pixels, &device));
        let tensors = tensors.collect::<Result<Vec<_>>>()?;
        let activator = self.activator(self.depth(first))?;
        let activated = activator.activate(&tensors, &mut |step| events.advance(step.images))?;
        let left = |image: &Activated| self.options.settings.iterations - image.trace.iterations;
        events.advance(activated.iter().map(left).sum());
        Ok(activated)
    }
}
