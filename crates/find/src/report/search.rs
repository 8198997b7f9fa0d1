//! Circumstances of a search.

use std::fmt;

use serde::Serialize;

use crate::{
    calibration::{Calibration, Facts},
    error::Result,
    finder::Finder,
};

/// Collection that was searched, bounds of the search, and what its E-values rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Search {
    /// Collection, as its user names it.
    pub collection: String,
    /// Live entries.
    pub entries: u64,
    /// Largest number of views of a query that are described.
    pub looks: usize,
    /// Largest number of cells that a look visits.
    pub nprobe: usize,
    /// Largest E-value of a match.
    pub max_e: f64,
    /// Calibration of the E-values.
    pub calibration: CalibrationReport,
}

impl Search {
    /// Circumstances of the searches of a finder, in the collection that its user calls `collection`.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn of(collection: String, finder: &Finder<'_>) -> Result<Self> {
        let (entries, settings) = (finder.collection().searchable()?, finder.settings());
        Ok(Self {
            collection,
            entries,
            looks: settings.looks,
            nprobe: settings.nprobe,
            max_e: settings.max_e,
            calibration: CalibrationReport::new(finder.calibration(), entries),
        })
    }
}

/// Calibration that E-values rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalibrationReport {
    /// True if the collection has none of its own, and the one measured on photographs applies.
    pub standard: bool,
    /// True if it should be fitted anew: there is none, or the collection has doubled since.
    pub due: bool,
    /// Date, origin and numbers.
    #[serde(flatten)]
    pub facts: Facts,
}

impl CalibrationReport {
    /// Report on the calibration of a collection with `entries` live entries.
    pub fn new(calibration: &Calibration, entries: u64) -> Self {
        let (standard, due) = (calibration.is_standard(), calibration.is_due(entries));
        Self { standard, due, facts: calibration.facts().clone() }
    }
}

impl fmt::Display for CalibrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standard {
            true => f.write_str("standard calibration"),
            false => write!(f, "calibrated by {}", self.facts),
        }
    }
}
