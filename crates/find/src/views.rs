//! Views of queries to descriptors.

use describe::{Describer, network_input};
use image::RgbImage;
use image_file::Pixels;
use rayon::prelude::*;

/// Descriptor of each view, or the reason why it has none.
pub type Described = Vec<describe::Result<Vec<f32>>>;

/// Describes views of queries: a network, or a stand-in for one.
pub trait Describe {
    /// Descriptors `[views][d]`, each of unit norm, in the order of the views.
    ///
    /// # Errors
    /// If the device fails. A view that cannot be described is an error at its place.
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described>;
}

impl Describe for Describer<'_> {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        let extractor = self.extractor();
        let input = |view: &RgbImage| network_input(extractor, &Pixels::Eight(view.clone()));
        let inputs: Vec<_> = views.par_iter().map(input).collect();
        let (places, inputs): (Vec<_>, Vec<_>) = inputs
            .into_iter()
            .map(|input| input.map_or_else(|e| (Some(e), None), |t| (None, Some(t))))
            .unzip();
        let inputs: Vec<_> = inputs.into_iter().flatten().collect();
        let mut rows = self.describe(&inputs)?.into_iter();
        let row = |failure| match failure {
            Some(error) => Err(error),
            None => rows.next().ok_or(describe::Error::ThreadEnded),
        };
        Ok(places.into_iter().map(row).collect())
    }
}
