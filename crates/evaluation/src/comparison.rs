//! Originals against released images: the same edits, the same index, the same queries.

use burn::tensor::Tensor;
use image::RgbImage;
use index::Index;
use rayon::prelude::*;

use crate::{
    Edit, Error,
    retrieval::{Measures, measure},
};

/// Images that are edited and described together.
const BATCH: usize = 8;

/// What an evaluation holds fixed.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The index; it holds the originals.
    pub index: &'a Index,
    /// Ids of the originals in the index, in the images' order.
    pub truth: &'a [i64],
    /// The edits.
    pub transforms: &'a [Edit],
    /// Cells that a search visits.
    pub nprobe: usize,
    /// Seed of random edits; image `i` is edited with `seed + i`, original and released alike.
    pub seed: u64,
}

/// What one edit does to retrieval.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The edit.
    pub transform: Edit,
    /// Edited originals.
    pub passive: Measures,
    /// Edited released images, where there are any.
    pub released: Option<Measures>,
}

impl Setting<'_> {
    /// Edits, describes and searches all images, one [`Comparison`] for each edit.
    ///
    /// `describe` returns descriptors `[n, d]`; `progress` is called with the number of images just done, of
    /// `transforms.len() * originals.len()` in all, and as many again with released images.
    ///
    /// # Errors
    /// If the images are not as many as the ids, an edit is impossible, or `describe` or the index fails.
    pub fn compare<E: From<Error> + Send>(
        &self,
        originals: &[&RgbImage],
        released: Option<&[&RgbImage]>,
        describe: &mut dyn FnMut(&[&RgbImage]) -> Result<Tensor<2>, E>,
        progress: &dyn Fn(usize),
    ) -> Result<Vec<Comparison>, E> {
        let compare = |transform: &Edit| {
            let mut measure = |images| self.measure(transform, images, describe, progress);
            let (passive, released) = (measure(originals)?, released.map(measure).transpose()?);
            Ok(Comparison { transform: *transform, passive, released })
        };
        self.transforms.iter().map(compare).collect()
    }

    fn measure<E: From<Error> + Send>(
        &self,
        transform: &Edit,
        images: &[&RgbImage],
        describe: &mut dyn FnMut(&[&RgbImage]) -> Result<Tensor<2>, E>,
        progress: &dyn Fn(usize),
    ) -> Result<Measures, E> {
        let edit = |(i, image): (usize, &&RgbImage)| {
            let edited = transform.apply(image, self.seed.wrapping_add(i as u64));
            edited.map_err(|error| Error::Edit {
                edit: transform.to_string(),
                image: i,
                source: error.into(),
            })
        };
        let numbered: Vec<_> = images.iter().enumerate().collect();
        let mut descriptors = Vec::new();
        for batch in numbered.chunks(BATCH) {
            let edited = batch.par_iter().copied().map(edit).collect::<Result<Vec<_>, Error>>()?;
            descriptors.push(describe(&edited.iter().collect::<Vec<_>>())?);
            progress(batch.len());
        }
        if descriptors.is_empty() {
            return Err(Error::NoQueries.into());
        }
        Ok(measure(self.index, Tensor::cat(descriptors, 0), self.truth, self.nprobe)?)
    }
}
