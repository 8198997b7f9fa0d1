//! E-values of candidates under the bounds of a search.

use witness::Comparison;

use crate::{
    calibration::Calibration,
    law::{InlierLaw, combined},
};

/// Laws and bounds that E-values follow from.
#[derive(Debug, Clone, Copy)]
pub struct EValues<'a> {
    pub calibration: &'a Calibration,
    /// Entries of the collection.
    pub entries: u64,
    /// Largest number of views.
    pub looks: usize,
    /// Largest number of cells a search visits.
    pub nprobe: usize,
    /// Law of inliers.
    pub inliers: InlierLaw,
    /// Largest number of comparisons; 0 without witnesses.
    pub comparisons: usize,
    /// Number of comparisons to expect: less where not all entries have a witness.
    pub trials: f64,
}

impl EValues<'_> {
    /// The same bounds for a query of which only the descriptor is known.
    pub fn without_picture(self) -> Self {
        Self { looks: 1, comparisons: 0, trials: 0.0, ..self }
    }

    /// E-value of a cosine alone.
    pub fn cosine_e(&self, cosine: f32) -> f64 {
        self.calibration.cosine_e(cosine, self.entries, self.looks, self.nprobe)
    }

    /// E-value of a cosine and a comparison, if there is one.
    pub fn e_value(&self, cosine: f32, comparison: Option<&Comparison>) -> f64 {
        let probability = comparison.map_or(1.0, |comparison| self.inliers.probability(comparison));
        combined(self.cosine_e(cosine), probability, self.inliers.share(), self.trials)
    }
}
